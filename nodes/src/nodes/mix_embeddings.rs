//! `MixEmbeddings`, `AddEmbeddings` and `TextEmbedding`: arithmetic with what pictures are about.

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};
use easel_kernels::Tensor;

use crate::error::{Error, Result};
use crate::kinds::{ImageEmbedding, TextEncoding, kind};

/// Goes from one embedding to another.
pub struct MixEmbeddings;

const SLERP: &str = "slerp";
const LERP: &str = "lerp";

/// Below this angle (radians) the arc is its chord, and its sine too small to divide by; that far from a half turn there
/// is no shortest arc.
const TINY_ANGLE: f64 = 1e-6;

impl Node for MixEmbeddings {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "MixEmbeddings",
            "Mixes two picture embeddings. `slerp` turns the one into the other along the shortest arc (Ramesh et al. 2022, \
             section 3.2) while the length changes evenly; `lerp` goes straight, through shorter embeddings.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("first", kind::IMAGE_EMBEDDING, "[pictures, embedding_dim]"))
        .input(InputSpec::new("second", kind::IMAGE_EMBEDDING, "one for all, or one for each of the first"))
        .input(
            InputSpec::new("amount", kinds::FLOAT, "of the second: 0 is the first alone, 1 the second alone")
                .range(0.0..=1.0)
                .default(0.5),
        )
        .input(
            InputSpec::new("method", kinds::TEXT, "the way from one to the other")
                .choices(&[SLERP, LERP])
                .default(SLERP.to_string()),
        )
        .output(OutputSpec::new("embedding", kind::IMAGE_EMBEDDING, "[pictures, embedding_dim]"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let ImageEmbedding(first) = inputs.get("first")?;
        let second = broadcast(&inputs.get::<ImageEmbedding>("second")?.0, first.dims())?;
        let amount = *inputs.get::<f64>("amount")?;
        let slerp_wanted = inputs.get::<String>("method")? == SLERP;
        let mixed = rows(first)?.into_iter().zip(rows(&second)?).map(|(a, b)| match amount {
            // The ends are what they were, to the bit.
            0.0 => Ok(a),
            1.0 => Ok(b),
            amount if slerp_wanted => slerp(&a, &b, amount),
            amount => Ok(lerp(&a, &b, amount)),
        });
        embedding(mixed.collect::<Result<Vec<_>, NodeError>>()?, first.dims())
    }
}

/// Adds embeddings up.
pub struct AddEmbeddings;

impl Node for AddEmbeddings {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "AddEmbeddings",
            "Adds embeddings up, each with a weight: a picture, plus a text, minus another text. The sum is given the \
             length of the first, which is what a Decoder expects.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("embeddings", kind::IMAGE_EMBEDDING.list(), "one for all, or as many as the first holds"))
        .input(InputSpec::new("weights", kinds::FLOAT_LIST, "one for each; may be negative"))
        .input(InputSpec::new("keep_length", kinds::BOOLEAN, "false: the sum stays as long as it is").default(true))
        .output(OutputSpec::new("embedding", kind::IMAGE_EMBEDDING, "[pictures, embedding_dim]"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let (embeddings, weights) = (inputs.list::<ImageEmbedding>("embeddings")?, inputs.list::<f64>("weights")?);
        if embeddings.len() != weights.len() {
            let count = embeddings.len();
            return Err(NodeError::new(format!("there are {count} embedding(s) and {} weight(s)", weights.len()))
                .with_hint("give one weight for each embedding"));
        }
        let Some(ImageEmbedding(first)) = embeddings.first() else {
            return Err(NodeError::new("there are no embeddings to add up"));
        };
        let of_first = rows(first)?;
        let mut sums = vec![vec![0.0; first.dims()[1]]; of_first.len()];
        for (ImageEmbedding(embedding), &weight) in embeddings.iter().zip(weights) {
            for (sum, row) in sums.iter_mut().zip(rows(&broadcast(embedding, first.dims())?)?) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
            }
        }
        if *inputs.get::<bool>("keep_length")? {
            for (sum, first) in sums.iter_mut().zip(&of_first) {
                let factor = length(first)? / length(sum)?;
                sum.iter_mut().for_each(|x| *x *= factor);
            }
        }
        embedding(sums, first.dims())
    }
}

/// A text where pictures are.
pub struct TextEmbedding;

impl Node for TextEmbedding {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "TextEmbedding",
            "Gives the CLIP embedding of a text as one in the space of pictures. CLIP keeps texts and pictures apart there, \
             so use it for differences between texts (AddEmbeddings); a Prior makes pictures of texts.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("text", kind::TEXT_ENCODING, "from a ClipTextEncoder"))
        .output(OutputSpec::new("embedding", kind::IMAGE_EMBEDDING, "[texts, projection_dim]"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let text = inputs.get::<TextEncoding>("text")?;
        Ok(Outputs::one("embedding", ImageEmbedding(text.text_embeds.clone())))
    }
}

/// As many rows as `dims` says: one row serves for all.
fn broadcast(tensor: &Tensor, dims: &[usize]) -> Result<Tensor, NodeError> {
    let found = tensor.dims();
    if found[1] != dims[1] || found[0] != 1 && found[0] != dims[0] {
        return Err(NodeError::new(format!(
            "{} embedding(s) {} wide do not go with {} that are {} wide",
            found[0], found[1], dims[0], dims[1]
        ))
        .with_hint("take them from one model; give one for all, or as many as the first holds"));
    }
    if found[0] == dims[0] { Ok(tensor.clone()) } else { Ok(tensor.repeat_interleave(dims[0]).map_err(Error::from)?) }
}

fn rows(tensor: &Tensor) -> Result<Vec<Vec<f64>>> {
    let row = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect();
    Ok(tensor.to_vec_f32()?.chunks_exact(tensor.dims()[1].max(1)).map(row).collect())
}

fn embedding(rows: Vec<Vec<f64>>, dims: &[usize]) -> NodeResult {
    let values = rows.concat().into_iter().map(|x| x as f32).collect();
    Ok(Outputs::one("embedding", ImageEmbedding(Tensor::from_f32(values, dims).map_err(Error::from)?)))
}

fn lerp(a: &[f64], b: &[f64], amount: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| (1.0 - amount) * a + amount * b).collect()
}

/// Directions along the arc (Shoemake 1985), lengths evenly.
fn slerp(a: &[f64], b: &[f64], amount: f64) -> Result<Vec<f64>, NodeError> {
    let (of_a, of_b) = (length(a)?, length(b)?);
    let u: Vec<f64> = a.iter().map(|x| x / of_a).collect();
    let v: Vec<f64> = b.iter().map(|x| x / of_b).collect();
    let (sum, difference) = u
        .iter()
        .zip(&v)
        .fold((0.0, 0.0), |(sum, difference), (u, v)| (sum + (u + v) * (u + v), difference + (u - v) * (u - v)));
    // Exact near 0 and π, where an arc cosine is not.
    let angle = 2.0 * difference.sqrt().atan2(sum.sqrt());
    if angle > std::f64::consts::PI - TINY_ANGLE {
        return Err(NodeError::new(
            "the embeddings point in opposite directions: there is no shortest arc between them",
        )
        .with_hint("use method: \"lerp\", or mix in a third one"));
    }
    let (weight_u, weight_v) = if angle < TINY_ANGLE {
        (1.0 - amount, amount)
    } else {
        (((1.0 - amount) * angle).sin() / angle.sin(), (amount * angle).sin() / angle.sin())
    };
    let length = (1.0 - amount) * of_a + amount * of_b;
    Ok(u.iter().zip(&v).map(|(u, v)| length * (weight_u * u + weight_v * v)).collect())
}

fn length(row: &[f64]) -> Result<f64, NodeError> {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 && length.is_finite() {
        return Ok(length);
    }
    Err(NodeError::new(format!("an embedding of length {length} has no direction"))
        .with_hint("it comes from a broken model, or from weights that cancel each other"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;

    use super::*;
    use crate::nodes::trial::{failure, list, output, run, text};

    fn value(rows: &[[f32; 2]]) -> ImageEmbedding {
        ImageEmbedding(Tensor::from_f32(rows.concat(), [rows.len(), 2]).unwrap())
    }

    fn mix(first: &[[f32; 2]], second: &[[f32; 2]], amount: f64, method: &str) -> NodeResult {
        let given = [
            ("first", Value::new(value(first))),
            ("second", Value::new(value(second))),
            ("amount", Value::new(amount)),
            ("method", text(method)),
        ];
        run(&MixEmbeddings, given)
    }

    fn add(embeddings: &[&[[f32; 2]]], weights: &[f64], keep_length: bool) -> NodeResult {
        let given = [
            ("embeddings", list(embeddings.iter().map(|rows| value(rows)))),
            ("weights", list(weights.iter().copied())),
            ("keep_length", Value::new(keep_length)),
        ];
        run(&AddEmbeddings, given)
    }

    fn numbers(result: NodeResult) -> Vec<f32> {
        output::<ImageEmbedding>(&result.unwrap(), "embedding").0.to_vec_f32().unwrap()
    }

    fn close(got: &[f32], wanted: &[f64]) {
        assert_eq!(got.len(), wanted.len());
        let error = got.iter().zip(wanted).map(|(got, wanted)| (f64::from(*got) - wanted).abs()).fold(0.0, f64::max);
        assert!(error < 1e-6, "{got:?} {wanted:?}");
    }

    #[test]
    fn an_arc_keeps_the_length_and_a_chord_does_not() {
        let (first, second) = ([[2.0, 0.0]], [[0.0, 2.0]]);
        let half = std::f64::consts::SQRT_2;
        close(&numbers(mix(&first, &second, 0.5, SLERP)), &[half, half]);
        close(&numbers(mix(&first, &second, 0.5, LERP)), &[1.0, 1.0]);
        let third = std::f64::consts::FRAC_PI_6;
        close(&numbers(mix(&first, &second, 1.0 / 3.0, SLERP)), &[2.0 * third.cos(), 2.0 * third.sin()]);
        close(&numbers(mix(&[[1.0, 0.0]], &[[0.0, 3.0]], 0.5, SLERP)), &[half, half]);
    }

    #[test]
    fn the_ends_are_what_they_were() {
        let (first, second) = ([[0.1, 0.7], [3.0, 4.0]], [[-0.3, 0.2]]);
        for method in [SLERP, LERP] {
            assert_eq!(numbers(mix(&first, &second, 0.0, method)), [0.1, 0.7, 3.0, 4.0]);
            assert_eq!(numbers(mix(&first, &second, 1.0, method)), [-0.3, 0.2, -0.3, 0.2]);
        }
    }

    #[test]
    fn what_points_the_same_way_is_no_trouble() {
        close(&numbers(mix(&[[1.0, 1.0]], &[[3.0, 3.0]], 0.5, SLERP)), &[2.0, 2.0]);
        close(&numbers(mix(&[[1.0, 0.0]], &[[1.0, 1e-9]], 0.5, SLERP)), &[1.0, 0.0]);
    }

    #[test]
    fn what_has_no_arc_is_refused() {
        assert!(failure(mix(&[[1.0, 0.0]], &[[-2.0, 0.0]], 0.5, SLERP)).contains("opposite directions"));
        assert!(failure(mix(&[[1.0, 0.0]], &[[0.0, 0.0]], 0.5, SLERP)).contains("of length 0 has no direction"));
        assert!(failure(mix(&[[f32::NAN, 0.0]], &[[1.0, 0.0]], 0.5, SLERP)).contains("of length NaN"));
        let message = failure(mix(&[[1.0, 0.0]], &[[1.0, 0.0], [1.0, 0.0]], 0.5, SLERP));
        assert!(message.contains("2 embedding(s) 2 wide do not go with 1 that are 2 wide"), "{message}");
    }

    #[test]
    fn embeddings_add_up() {
        let (a, b): (&[[f32; 2]], &[[f32; 2]]) = (&[[3.0, 4.0], [1.0, 0.0]], &[[0.0, 4.0]]);
        assert_eq!(numbers(add(&[a, b], &[1.0, -1.0], false)), [3.0, 0.0, 1.0, -4.0]);
        close(&numbers(add(&[a, b], &[1.0, -1.0], true)), &[5.0, 0.0, 1.0 / 17.0_f64.sqrt(), -4.0 / 17.0_f64.sqrt()]);
        assert_eq!(numbers(add(&[a], &[2.0], true)), [3.0, 4.0, 1.0, 0.0]);
    }

    #[test]
    fn sums_that_make_no_sense_are_refused() {
        let a: &[[f32; 2]] = &[[3.0, 4.0]];
        assert!(failure(add(&[a], &[1.0, 1.0], true)).contains("there are 1 embedding(s) and 2 weight(s)"));
        assert!(failure(add(&[], &[], true)).contains("no embeddings to add up"));
        assert!(failure(add(&[a, a], &[1.0, -1.0], true)).contains("of length 0 has no direction"));
    }
}
