//! A computation that is carried out again and again.

use crate::cuda::{Context, Graph, GraphMemory};
use crate::{Device, Result, Tensor, profile};

/// A step of a loop: a function of tensors whose shapes and dtypes stay the same.
///
/// On a CUDA device its second run is recorded as a graph, which later runs give to the device as a whole: a launch for a
/// step instead of hundreds. Where that is not possible, and on the CPU, every run is like the first. The results are the
/// same bits.
///
/// The function must depend on its inputs alone and keep nothing that it computes after its first run: a recorded one is not
/// called again. It may use tensors and weights that live as long as itself.
pub struct StepGraph<'a> {
    step: Box<Step<'a>>,
    state: State,
}

type Step<'a> = dyn Fn(&[Tensor]) -> Result<Tensor> + 'a;

enum State {
    /// Called every time.
    Plain,
    /// To be recorded on this device.
    New(Device),
    /// Was carried out once; the memory holds what a recording will need.
    Rehearsed(GraphMemory),
    Recorded(Graph),
}

impl<'a> StepGraph<'a> {
    /// For tensors on `device`.
    pub fn new(device: Device, step: impl Fn(&[Tensor]) -> Result<Tensor> + 'a) -> Self {
        let state = match device {
            Device::Cpu => State::Plain,
            Device::Cuda(_) => State::New(device),
        };
        StepGraph { step: Box::new(step), state }
    }

    /// One that never records: what a recorded one is compared with.
    pub fn plain(step: impl Fn(&[Tensor]) -> Result<Tensor> + 'a) -> Self {
        StepGraph { step: Box::new(step), state: State::Plain }
    }

    /// Whether runs are replayed.
    pub fn is_recorded(&self) -> bool {
        matches!(self.state, State::Recorded(_))
    }

    /// The step's result for `inputs`.
    ///
    /// # Errors
    /// Those of the step.
    pub fn run(&mut self, inputs: &[&Tensor]) -> Result<Tensor> {
        let step = &self.step;
        let call = || step(&inputs.iter().map(|&input| input.clone()).collect::<Vec<_>>());
        if profile::is_on() {
            return call();
        }
        match std::mem::replace(&mut self.state, State::Plain) {
            State::Plain => call(),
            State::New(device) => {
                let Device::Cuda(ordinal) = device else { return call() };
                let memory = GraphMemory::new(Context::get(ordinal)?);
                let result = memory.rehearse(call)?;
                self.state = State::Rehearsed(memory);
                Ok(result)
            }
            State::Rehearsed(memory) => match Graph::capture(memory, inputs, step) {
                Ok(graph) => self.replay(graph, inputs),
                Err(_) => call(),
            },
            State::Recorded(graph) if graph.fits(inputs) => self.replay(graph, inputs),
            // Other shapes: a step of another loop.
            State::Recorded(_) => call(),
        }
    }

    fn replay(&mut self, mut graph: Graph, inputs: &[&Tensor]) -> Result<Tensor> {
        let result = graph.replay(inputs);
        self.state = State::Recorded(graph);
        result
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;

    use super::*;
    use crate::DType;
    use crate::harness::{for_each_cuda_device, for_each_device};
    use crate::ops::add;
    use crate::reference::{Random, same_bits};

    #[test]
    fn replays_give_the_bits_of_plain_runs() {
        for_each_device(|place| {
            let mut random = Random::new(1);
            for &dtype in place.dtypes() {
                let weight = place.put(&random.tensor(&[5, 7]), dtype);
                let calls = Cell::new(0);
                let step = |inputs: &[Tensor]| {
                    calls.set(calls.get() + 1);
                    let joined = Tensor::concat(&[&add(&inputs[0], &weight)?, &inputs[1]], 0)?;
                    add(&joined.narrow(0, 1, 6)?, &joined.narrow(0, 0, 6)?)
                };
                let (mut graph, mut plain) = (StepGraph::new(place.device, step), StepGraph::plain(step));
                let mut kept = Vec::new();
                for i in 0..5 {
                    let inputs = [[5, 7], [3, 7]].map(|dims| place.put(&random.tensor(&dims), dtype));
                    let inputs = [&inputs[0], &inputs[1]];
                    let (got, want) = (graph.run(&inputs).unwrap(), plain.run(&inputs).unwrap());
                    assert_eq!(graph.is_recorded(), place.device != Device::Cpu && i > 0);
                    kept.push((got, want));
                }
                assert_eq!(calls.get(), if place.device == Device::Cpu { 10 } else { 7 });
                drop(graph);
                // No replay has written over the result of an earlier one.
                kept.iter().for_each(|(got, want)| same_bits(got, want));
            }
        });
    }

    #[test]
    fn what_cannot_be_recorded_is_run_plainly() {
        for_each_cuda_device(|place| {
            let x = place.put(&Random::new(2).tensor(&[4]), DType::F32);
            let step = |inputs: &[Tensor]| {
                let sum = add(&inputs[0], &inputs[0])?;
                // Its value would be that of the recording for ever.
                let host = sum.to_device(Device::Cpu)?;
                add(&sum, &host.to_device(inputs[0].device())?)
            };
            let mut graph = StepGraph::new(place.device, step);
            let want = step(std::slice::from_ref(&x)).unwrap();
            for _ in 0..3 {
                same_bits(&graph.run(&[&x]).unwrap(), &want);
                assert!(!graph.is_recorded());
            }
        });
    }

    #[test]
    fn an_error_of_the_step_is_an_error_of_every_run() {
        for_each_cuda_device(|place| {
            let (x, y) = (place.put(&Random::new(3).tensor(&[4]), DType::F32), Tensor::zeros([3]).unwrap());
            let mut graph = StepGraph::new(place.device, |inputs| add(&inputs[0], &inputs[1]));
            for _ in 0..3 {
                assert!(graph.run(&[&x, &y]).is_err());
            }
            assert!(graph.run(&[&x, &x]).is_ok(), "the device goes on");
        });
    }

    #[test]
    fn other_shapes_are_not_replayed() {
        for_each_cuda_device(|place| {
            let mut random = Random::new(4);
            let mut graph = StepGraph::new(place.device, |inputs| add(&inputs[0], &inputs[0]));
            for len in [4, 4, 4, 9] {
                let x = random.tensor(&[len]);
                let want = add(&x, &x).unwrap();
                same_bits(&graph.run(&[&place.put(&x, DType::F32)]).unwrap(), &want);
            }
        });
    }
}
