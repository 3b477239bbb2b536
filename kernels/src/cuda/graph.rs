//! Work that was recorded once and is given to the device as a whole.

use cudarc::driver::{result, sys};

use super::context::Lane;
use super::error::During;
use super::memory::PoolId;
use super::{Context, DeviceSlice};
use crate::storage::Storage;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// Memory of a computation that is carried out again and again: it is at the same addresses every time.
pub(crate) struct GraphMemory {
    context: &'static Context,
    pool: PoolId,
}

impl GraphMemory {
    pub(crate) fn new(context: &'static Context) -> Self {
        GraphMemory { context, pool: context.new_pool() }
    }

    /// Does `work` at once, with what it allocates in this memory: a graph of the same work will find it there.
    pub(crate) fn rehearse<R>(&self, work: impl FnOnce() -> R) -> R {
        let lane = Lane { pool: self.pool, ..self.context.lane() };
        self.context.in_lane(lane, work)
    }
}

impl Drop for GraphMemory {
    fn drop(&mut self) {
        self.context.end_pool(self.pool);
    }
}

/// A recorded computation with tensors at fixed addresses.
pub(crate) struct Graph {
    executable: sys::CUgraphExec,
    inputs: Vec<Tensor>,
    output: Tensor,
    /// Dropped last: the tensors are in it.
    memory: GraphMemory,
}

// SAFETY: the handle of an executable graph may be used from every thread, one at a time, which `&mut` sees to.
unsafe impl Send for Graph {}

impl Graph {
    /// Records `work` on tensors like `inputs`; nothing is computed yet.
    ///
    /// # Errors
    /// Those of `work`, and what cannot be recorded. The device is as it was then.
    pub(crate) fn capture(
        memory: GraphMemory,
        inputs: &[&Tensor],
        work: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    ) -> Result<Self> {
        let context = memory.context;
        context.bind()?;
        let inputs =
            memory.rehearse(|| inputs.iter().map(|input| room_like(context, input)).collect::<Result<Vec<_>>>())?;
        let recorder = Recorder::begin(context)?;
        let lane = Lane { stream: recorder.stream, pool: memory.pool, capturing: true };
        let output = context.in_lane(lane, || work(&inputs));
        let executable = recorder.end()?;
        let graph = |output| Graph { executable, inputs, output, memory };
        match output {
            Ok(output) if output.device() == Device::Cuda(context.ordinal()) => Ok(graph(output)),
            Ok(output) => {
                let error = KernelError::NotOnHost { op: "capture", device: output.device() };
                drop(graph(output));
                Err(error)
            }
            Err(error) => {
                destroy(executable);
                Err(error)
            }
        }
    }

    /// Whether tensors have the shapes and dtypes that it was recorded for.
    pub(crate) fn fits(&self, inputs: &[&Tensor]) -> bool {
        let alike =
            |(a, b): (&Tensor, &&Tensor)| (a.shape(), a.dtype(), a.device()) == (b.shape(), b.dtype(), b.device());
        self.inputs.len() == inputs.len() && self.inputs.iter().zip(inputs).all(alike)
    }

    /// Computes with `inputs`, which fit.
    pub(crate) fn replay(&mut self, inputs: &[&Tensor]) -> Result<Tensor> {
        let context = self.memory.context;
        for (to, from) in self.inputs.iter().zip(inputs) {
            copy(to, from)?;
        }
        context.bind()?;
        // SAFETY: the executable graph is destroyed in `drop` only. What it reads and writes is alive: the memory of the
        // graph belongs to `self`, and who recorded it keeps what else it uses.
        unsafe { result::graph::launch(self.executable, context.stream()) }
            .during(context.ordinal(), || "replaying a graph".to_owned())?;
        // The next replay writes over the output.
        let result = room_like(context, &self.output)?;
        copy(&result, &self.output)?;
        Ok(result)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // The last replay may still be under way. An error of it is heard by who waits for its result.
        let _ = self.memory.context.synchronize();
        destroy(self.executable);
    }
}

fn destroy(executable: sys::CUgraphExec) {
    // SAFETY: whoever calls this has the only copy of the handle, and nothing of the graph is under way.
    let _ = unsafe { result::graph::exec_destroy(executable) };
}

/// A tensor with a tensor's shape and dtype whose numbers are left over from before.
fn room_like(context: &'static Context, like: &Tensor) -> Result<Tensor> {
    room(context, like.dtype(), like.shape().clone())
}

fn room(context: &'static Context, dtype: DType, shape: Shape) -> Result<Tensor> {
    let slice = context.allocate(shape.len() * dtype.size())?;
    Ok(Tensor::from_storage(Storage::Cuda(slice), dtype, shape))
}

fn copy(to: &Tensor, from: &Tensor) -> Result<()> {
    let from = slice(from);
    slice(to).write(0, from, 0..from.len())
}

fn slice(tensor: &Tensor) -> &DeviceSlice {
    match tensor.storage() {
        Storage::Cuda(slice) => slice,
        Storage::Host(_) => unreachable!("tensors of a graph are on its device"),
    }
}

/// A stream whose work is being recorded. Other threads go on with the context's own.
struct Recorder {
    context: &'static Context,
    stream: sys::CUstream,
    open: bool,
}

impl Recorder {
    fn begin(context: &'static Context) -> Result<Self> {
        let during = || "beginning to capture a graph".to_owned();
        let stream =
            result::stream::create(result::stream::StreamKind::NonBlocking).during(context.ordinal(), during)?;
        let mut recorder = Recorder { context, stream, open: false };
        // Memory may be taken from the driver meanwhile: that is no work of the stream's.
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: the stream was just made.
        unsafe { result::stream::begin_capture(stream, mode) }.during(context.ordinal(), during)?;
        recorder.open = true;
        Ok(recorder)
    }

    fn end(mut self) -> Result<sys::CUgraphExec> {
        self.open = false;
        let made = || {
            // SAFETY: the stream is being captured.
            let graph = unsafe { result::stream::end_capture(self.stream) }?;
            // SAFETY: the graph was just recorded. It is not needed after that.
            let executable = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) };
            // SAFETY: an executable graph does not need the graph that it was made of.
            let _ = unsafe { result::graph::destroy(graph) };
            executable
        };
        made().during(self.context.ordinal(), || "capturing a graph".to_owned())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.open {
            // SAFETY: the stream is being captured; what was recorded is thrown away.
            if let Ok(graph) = unsafe { result::stream::end_capture(self.stream) }
                && !graph.is_null()
            {
                // SAFETY: nobody else has the graph.
                let _ = unsafe { result::graph::destroy(graph) };
            }
        }
        // SAFETY: nothing was carried out in it, and nobody else has it.
        let _ = unsafe { result::stream::destroy(self.stream) };
    }
}
