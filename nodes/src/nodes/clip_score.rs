//! `ClipScore`: how well pictures fit texts.

use easel_engine::{
    Context, InputSpec, Inputs, Lanes, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, Value, kinds,
};

use super::lists::list_of;
use crate::error::{Error, Result};
use crate::kinds::{ImageEmbedding, TextEncoding, kind};

/// Compares pictures with texts as CLIP sees them.
pub struct ClipScore;

impl Node for ClipScore {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "ClipScore",
            "Says how well pictures fit texts: the cosine of the angle between their CLIP embeddings (Radford et al. 2021, \
             figure 3), times `logit_scale`. Both must come from encoders of one model. One text serves all pictures, one \
             picture all texts; otherwise there are as many pictures for each text.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("embedding", kind::IMAGE_EMBEDDING, "of the pictures, from a ClipImageEncoder or a Prior"))
        .input(InputSpec::new("text", kind::TEXT_ENCODING, "of the texts, from a ClipTextEncoder"))
        .input(
            InputSpec::new(
                "logit_scale",
                kinds::FLOAT,
                "1 gives cosines, −1 … 1; CLIP itself was trained with 100, which gives logits",
            )
            .range(0.0..=1000.0)
            .default(1.0),
        )
        .output(OutputSpec::new("scores", kinds::FLOAT_LIST, "one for each picture, or for each text of one picture"))
        .output(OutputSpec::new("score", kinds::FLOAT, "their mean; the score itself if there is only one"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let ImageEmbedding(pictures) = inputs.get("embedding")?;
        let texts = &inputs.get::<TextEncoding>("text")?.text_embeds;
        let (width, other) = (pictures.dims()[1], texts.dims()[1]);
        if width != other {
            return Err(NodeError::new(format!(
                "the pictures' embeddings are {width} wide, those of the texts {other}"
            ))
            .with_hint("take both encoders from the same model"));
        }
        let (pictures, texts) = (directions(pictures, "picture")?, directions(texts, "text")?);
        let scale = *inputs.get::<f64>("logit_scale")?;
        let scores = pairs(pictures.len(), texts.len())?
            .into_iter()
            .map(|(picture, text)| scale * dot(&pictures[picture], &texts[text]))
            .collect::<Vec<_>>();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let scores = list_of(kinds::FLOAT, scores.into_iter().map(Value::new).collect())?;
        Ok(Outputs::one("score", mean).with_value("scores", scores))
    }
}

/// Which picture is compared with which text; at least one pair.
fn pairs(pictures: usize, texts: usize) -> Result<Vec<(usize, usize)>, NodeError> {
    match (pictures, texts) {
        (1, 1..) => Ok((0..texts).map(|text| (0, text)).collect()),
        (1.., 1..) if pictures.is_multiple_of(texts) => {
            Ok((0..pictures).map(|picture| (picture, picture / (pictures / texts))).collect())
        }
        _ => Err(NodeError::new(format!("{pictures} picture(s) cannot be compared with {texts} text(s)"))
            .with_hint("give one text, one picture, or as many pictures for each text")),
    }
}

/// The rows of an embedding, each of length 1, in float64.
fn directions(embeddings: &easel_kernels::Tensor, of: &str) -> Result<Vec<Vec<f64>>> {
    let values = embeddings.to_vec_f32()?;
    let rows = values.chunks_exact(embeddings.dims()[1].max(1)).enumerate().map(|(index, row)| {
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        let length = dot(&row, &row).sqrt();
        if length > 0.0 && length.is_finite() {
            return Ok(row.iter().map(|x| x / length).collect());
        }
        Err(Error::invalid(format!("the embedding of {of} {index} has length {length}, and so no direction"))
            .with_hint("it comes from a broken model, or from numbers that overflowed"))
    });
    rows.collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_kernels::Tensor;

    use super::*;
    use crate::nodes::trial::{elements, failure, output, run};

    fn rows(rows: &[[f32; 2]]) -> Tensor {
        Tensor::from_f32(rows.concat(), [rows.len(), 2]).unwrap()
    }

    fn score(pictures: &[[f32; 2]], texts: &[[f32; 2]], scale: f64) -> NodeResult {
        let encoding = TextEncoding {
            text_embeds: rows(texts),
            hidden_states: Tensor::zeros([texts.len(), 1, 2]).unwrap(),
            key_bias: Tensor::zeros([texts.len(), 1]).unwrap(),
        };
        let given = [
            ("embedding", Value::new(ImageEmbedding(rows(pictures)))),
            ("text", Value::new(encoding)),
            ("logit_scale", Value::new(scale)),
        ];
        run(&ClipScore, given)
    }

    fn scores(pictures: &[[f32; 2]], texts: &[[f32; 2]], scale: f64) -> Vec<f64> {
        elements(&score(pictures, texts, scale).unwrap(), "scores")
    }

    #[test]
    fn a_score_is_the_cosine_of_the_angle() {
        let pictures = [[2.0, 0.0], [0.0, -3.0], [5.0, 5.0]];
        let cosines = scores(&pictures, &[[0.5, 0.0]], 1.0);
        assert_eq!(cosines[..2], [1.0, 0.0]);
        assert!((cosines[2] - 0.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!(scores(&pictures[..2], &[[0.5, 0.0]], 100.0), [100.0, 0.0]);
        assert_eq!(scores(&[[1.0, 0.0]], &[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], 1.0), [1.0, -1.0, 0.0]);
    }

    #[test]
    fn pictures_are_shared_out_among_texts() {
        let (right, up) = ([1.0, 0.0], [0.0, 1.0]);
        assert_eq!(scores(&[right, up, right, up], &[right, up], 1.0), [1.0, 0.0, 0.0, 1.0]);
        let outputs = score(&[right, up, right, up], &[right, up], 1.0).unwrap();
        assert_eq!(*output::<f64>(&outputs, "score"), 0.5);
        let message = failure(score(&[right, up, right], &[right, up], 1.0));
        assert!(message.contains("3 picture(s) cannot be compared with 2 text(s)"), "{message}");
        assert!(failure(score(&[right, up], &[right, up, up], 1.0)).contains("cannot be compared"));
        assert!(failure(score(&[], &[right], 1.0)).contains("0 picture(s)"));
    }

    #[test]
    fn an_embedding_without_direction_is_refused() {
        for broken in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            let message = failure(score(&[[1.0, 0.0], broken], &[[1.0, 0.0]], 1.0));
            assert!(message.contains("the embedding of picture 1 has length"), "{message}");
        }
        // Its square is no float32, but its length is one.
        assert_eq!(scores(&[[1e30, 0.0]], &[[1e-30, 0.0]], 1.0), [1.0]);
    }
}
