//! What several pictures have in common: a plugin with one node type, which takes a list.

use easel_plugin::{Call, Failure, ImageEmbedding, Input, NodeType, Output, Result, plugin};

plugin! {
    "Does something to what pictures are about.",
    NodeType::new(
        "MeanEmbedding",
        "Finds the middle of picture embeddings: what all of them are about. It is given their mean length, which is what \
         a Decoder expects.",
        mean,
    )
    .input(Input::new::<Vec<ImageEmbedding>>("embeddings", "any number of them, all as wide"))
    .output(Output::new::<ImageEmbedding>("embedding", "one embedding")),
}

fn mean(call: &mut Call) -> Result {
    let embeddings: Vec<ImageEmbedding> = call.take("embeddings")?;
    let rows: Vec<&[f32]> = embeddings.iter().flat_map(ImageEmbedding::rows).collect();
    let width = rows.first().ok_or_else(|| Failure::new("there are no embeddings"))?.len();
    if rows.iter().any(|row| row.len() != width) {
        return Err(Failure::new("the embeddings are not all as wide").with_hint("take them from one model"));
    }
    let mut sum = vec![0.0_f64; width];
    for row in &rows {
        sum.iter_mut().zip(*row).for_each(|(sum, &number)| *sum += f64::from(number));
    }
    let length = |row: &[f64]| row.iter().map(|number| number * number).sum::<f64>().sqrt();
    let of_all = rows.iter().map(|row| length(&row.iter().map(|&number| f64::from(number)).collect::<Vec<_>>()));
    let factor = of_all.sum::<f64>() / rows.len() as f64 / length(&sum);
    if !factor.is_finite() {
        return Err(Failure::new("the embeddings cancel each other: their middle has no direction"));
    }
    let values = sum.iter().map(|number| (number * factor) as f32).collect();
    call.give("embedding", ImageEmbedding::new(1, width, values)?)
}
