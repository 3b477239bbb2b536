//! Taking tensors out of a checkpoint by name, noticing everything that does not fit.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use easel_kernels::ops::{PackedFilter, PackedMatrix, PackedUpsamplingFilter};
use easel_kernels::{DType, KernelError, Placement, Tensor};

use super::names::{closest, quoted};
use super::store::Weights;
use crate::error::{Error, Result};

/// How many problems one error spells out.
const SHOWN_PROBLEMS: usize = 20;

/// A view of one part's tensors below a prefix. Model structs are built from it.
///
/// Nothing fails while a model is built: what is missing or mis-shaped is noted, an empty stand-in is given, and
/// the loading function refuses the half-built model with all problems at once.
/// In recording mode there is no file: every request is noted, so that the same constructors list a model's tensors.
///
/// A constructor must not compute with what it is given (a stand-in has other sizes than were asked for); it stores it.
#[derive(Clone)]
pub struct WeightsReader {
    shared: Arc<Shared>,
    prefix: String,
    place: Placement,
}

/// A tensor that a model has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorSpec {
    /// Its full name in the part.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

struct Shared {
    /// `None` while recording.
    weights: Option<Weights>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    requests: Vec<TensorSpec>,
    names: HashSet<String>,
    problems: Vec<Problem>,
}

enum Problem {
    Missing { name: String, shape: Vec<usize> },
    Shape { name: String, wanted: Vec<usize>, found: Vec<usize> },
    DType { name: String, found: String },
    Kernel { name: String, error: KernelError },
}

/// The tensors that a model is made of, in the order in which its constructor asks for them, each once.
pub fn record(build: impl FnOnce(&WeightsReader)) -> Vec<TensorSpec> {
    let reader = WeightsReader::new(None, Placement::CPU);
    build(&reader);
    let mut notes = reader.notes();
    std::mem::take(&mut notes.requests)
}

impl WeightsReader {
    /// A reader of `weights` for models at `place`, or a recording one.
    pub(super) fn new(weights: Option<Weights>, place: Placement) -> Self {
        WeightsReader { shared: Arc::new(Shared { weights, notes: Mutex::default() }), prefix: String::new(), place }
    }

    /// Where the model will compute.
    pub fn place(&self) -> Placement {
        self.place
    }

    /// The same part, further down: `reader.at("down_blocks").at(0)`.
    pub fn at(&self, name: impl Display) -> WeightsReader {
        WeightsReader { shared: Arc::clone(&self.shared), prefix: self.full_name(&name.to_string()), place: self.place }
    }

    /// Whether there is a tensor of that name below the prefix (false in recording mode).
    pub fn has(&self, name: &str) -> bool {
        self.shared.weights.as_ref().is_some_and(|weights| weights.info(&self.full_name(name)).is_some())
    }

    /// A tensor of that shape in float32, whatever the activations are: biases, parameters of norms.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Tensor {
        self.tensor_of(name, shape, DType::F32)
    }

    /// A tensor of that shape that is used like an activation, in the activations' dtype: embeddings, positions.
    pub fn activation(&self, name: &str, shape: &[usize]) -> Tensor {
        self.tensor_of(name, shape, self.place.activations())
    }

    fn tensor_of(&self, name: &str, shape: &[usize], dtype: DType) -> Tensor {
        let convert = |tensor: &Tensor| {
            // As it is stored it would be read from the mapped file, and keep in memory what the system reads around it.
            let own = match dtype {
                DType::F32 => Tensor::from_f32(tensor.to_vec_f32()?, tensor.shape().clone())?,
                other => tensor.to_dtype(other)?,
            };
            own.to_device(self.place.device)
        };
        self.converted(name, shape, convert).unwrap_or_else(|| stand_in(&vec![0; shape.len()]))
    }

    /// A `[out_features, in_features]` matrix, packed.
    pub fn matrix(&self, name: &str, out_features: usize, in_features: usize) -> PackedMatrix {
        let pack = |weight: &Tensor| PackedMatrix::new(weight, self.place);
        self.converted(name, &[out_features, in_features], pack).unwrap_or_else(|| {
            PackedMatrix::new(&stand_in(&[1, 1]), Placement::CPU).expect("a matrix of one number can always be packed")
        })
    }

    /// A `[out_channels, in_channels, kernel, kernel]` filter, packed.
    pub fn filter(&self, name: &str, out_channels: usize, in_channels: usize, kernel: usize) -> PackedFilter {
        let pack = |weight: &Tensor| PackedFilter::new(weight, self.place);
        self.converted(name, &[out_channels, in_channels, kernel, kernel], pack).unwrap_or_else(|| {
            PackedFilter::new(&stand_in(&[1, 1, 1, 1]), Placement::CPU)
                .expect("a filter of one number can always be packed")
        })
    }

    /// A 3 × 3 convolution's weights for pictures that are doubled first, packed.
    pub fn upsampling_filter(&self, name: &str, out_channels: usize, in_channels: usize) -> PackedUpsamplingFilter {
        let pack = |weight: &Tensor| PackedUpsamplingFilter::new(weight, self.place);
        self.converted(name, &[out_channels, in_channels, 3, 3], pack).unwrap_or_else(|| {
            PackedUpsamplingFilter::new(&stand_in(&[1, 1, 3, 3]), Placement::CPU)
                .expect("a filter of one channel can always be packed")
        })
    }

    /// Notes the request; the tensor through `convert` if it is there and fits and no earlier one had a problem (the
    /// model is refused then, so that packing the rest would be time wasted).
    fn converted<T>(
        &self,
        name: &str,
        shape: &[usize],
        convert: impl FnOnce(&Tensor) -> easel_kernels::Result<T>,
    ) -> Option<T> {
        let name = self.full_name(name);
        let tensor = self.find(&name, shape)?;
        let converted = tensor.and_then(|tensor| convert(&tensor));
        // What is packed is not needed as it is stored: both together would be twice the memory.
        if let Some(weights) = &self.shared.weights {
            weights.release(&name);
        }
        match converted {
            Ok(value) => Some(value),
            Err(error) => {
                self.notes().problems.push(Problem::Kernel { name, error });
                None
            }
        }
    }

    /// The stored tensor, if all is well so far.
    fn find(&self, name: &str, shape: &[usize]) -> Option<easel_kernels::Result<Tensor>> {
        let mut notes = self.notes();
        let first_request = notes.names.insert(name.to_owned());
        let Some(weights) = &self.shared.weights else {
            if first_request {
                notes.requests.push(TensorSpec { name: name.to_owned(), shape: shape.to_vec() });
            }
            return None;
        };
        let name_owned = || name.to_owned();
        let problem = match weights.info(name) {
            None => Problem::Missing { name: name_owned(), shape: shape.to_vec() },
            Some(info) if info.shape != shape => {
                Problem::Shape { name: name_owned(), wanted: shape.to_vec(), found: info.shape.clone() }
            }
            Some(info) => match info.weight_dtype() {
                None => Problem::DType { name: name_owned(), found: info.dtype.clone() },
                Some(_) if !notes.problems.is_empty() => return None,
                // The lock is released first: packing is long and may itself run in parallel.
                Some(dtype) => {
                    drop(notes);
                    return Some(Tensor::from_bytes(weights.bytes_of(name)?, dtype, shape));
                }
            },
        };
        notes.problems.push(problem);
        None
    }

    fn full_name(&self, name: &str) -> String {
        match (self.prefix.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => self.prefix.clone(),
            _ => format!("{}.{name}", self.prefix),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // A panic elsewhere leaves the lists whole: each change is one push.
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All problems as one error, or the stored tensors that nobody asked for.
    pub(super) fn finish(&self, weights: &Weights) -> Result<Vec<String>> {
        let notes = self.notes();
        if notes.problems.is_empty() {
            let unused = weights.tensors().filter(|info| !notes.names.contains(&info.name) && !is_buffer(&info.name));
            return Ok(unused.map(|info| info.name.clone()).collect());
        }
        let count = notes.problems.len();
        let mut message = format!(
            "{}: the weights are not those of the model that the config describes ({count} problem{})",
            weights.label(),
            if count == 1 { "" } else { "s" }
        );
        for problem in notes.problems.iter().take(SHOWN_PROBLEMS) {
            message.push_str(&format!("\n  {}", problem.describe(weights)));
        }
        if count > SHOWN_PROBLEMS {
            message.push_str(&format!("\n  and {} more", count - SHOWN_PROBLEMS));
        }
        Err(Error::invalid(message).with_hint(hint(&notes.problems)))
    }
}

/// What to do, by the kind of the first problem.
fn hint(problems: &[Problem]) -> &'static str {
    match problems.first() {
        Some(Problem::DType { .. }) => "weights must be F32, F16 or BF16: fetch an unquantised checkpoint",
        Some(Problem::Kernel { .. }) => "the model does not fit this machine",
        _ => "config.json and weights come from different models or versions; fetch both again, from one place",
    }
}

/// A tensor that takes no memory worth speaking of, whatever the config claims.
fn stand_in(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).expect("a tensor of at most one number can always be made")
}

/// Buffers that old versions of the libraries saved along: every model recomputes them.
fn is_buffer(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "position_ids" | "causal_attention_mask" | "num_batches_tracked")
}

impl Problem {
    fn describe(&self, weights: &Weights) -> String {
        match self {
            Problem::Missing { name, shape } => {
                let near = closest(name, weights.tensors().map(|info| info.name.as_str()));
                let near = near.map(|near| format!(" (did you mean {}?)", quoted(near))).unwrap_or_default();
                format!("{} {shape:?} is missing{near}", quoted(name))
            }
            Problem::Shape { name, wanted, found } => format!("{} is {found:?}, wanted {wanted:?}", quoted(name)),
            Problem::DType { name, found } => format!("{} is stored as {}", quoted(name), quoted(found)),
            Problem::Kernel { name, error } => format!("{}: {error}", quoted(name)),
        }
    }
}

impl fmt::Debug for WeightsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightsReader")
            .field("prefix", &self.prefix)
            .field("recording", &self.shared.weights.is_none())
            .finish()
    }
}
