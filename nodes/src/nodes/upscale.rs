//! `Upscale`: pictures larger and crisper in one pass of a trained network.

use easel_engine::{Context, InputSpec, Inputs, Lanes, Literals, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs};
use easel_kernels::{Tensor, ops, profile};

use super::from_model::{Load, ModelNode};
use super::sockets;
use crate::config::SrvggConfig;
use crate::error::Error;
use crate::kinds::{Image, kind};
use crate::memory;
use crate::models::srvgg::SrvggNetCompact;
use crate::parts;
use crate::picture::{MAX_SIDE, Tile, tiles};
use crate::uses::Used;
use crate::weights::ModelFolder;

/// Makes pictures larger.
pub(super) struct Upscale;

const PART: &str = "upscaler";
const BUILTIN: &str = "builtin:realesr-animevideov3-x4";
/// Pixels in a direction that a tile gives. What it sees in addition is a third of its work at the most; a larger one takes
/// more memory, and the run hears of it, and can be cancelled, less often.
const TILE_SIDE: usize = 256;

impl ModelNode for Upscale {
    const USED: &'static [Used<'static>] = &[Used::Part(PART)];

    type Configs = SrvggConfig;

    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "Upscale",
            "Makes pictures of any size larger, with crisp edges: four times as wide and as high with the built-in model, \
             which suits drawings and other flat art. It draws nothing new; the Upsampler of a text-to-image model does.",
        )
        .lanes(Lanes::All)
        .input(sockets::model().default(BUILTIN.to_string()))
        .input(InputSpec::new("image", kind::IMAGE, "pictures of any size; large ones are worked on in tiles"))
        .output(OutputSpec::new("image", kind::IMAGE, "[pictures, 4 · height, 4 · width, 3] in −1 … 1, with the built-in model"))
    }

    fn configs(folder: &ModelFolder) -> Result<SrvggConfig, NodeError> {
        if !folder.parts().iter().any(|part| part == PART) {
            let message = format!("{} makes no pictures larger: it has no part `{PART}`", folder.describe());
            let hint = format!(
                "use {BUILTIN}, or a folder with {PART}/config.json (of an SRVGGNetCompact) and its weights beside it"
            );
            return Err(NodeError::new(message).with_hint(hint));
        }
        Ok(parts::config(folder, PART, SrvggConfig::parse)?)
    }

    fn loads(config: &SrvggConfig, literals: &Literals<'_>) -> Vec<Load> {
        let [pictures, height, width] = literals.get::<Image>("image").map_or([1, TILE_SIDE, TILE_SIDE], Image::sizes);
        let enlarged = memory::of_enlarged(config, [pictures, height, width]);
        vec![Load { parts: &[PART], activations: of_largest(config, [height, width]), folded: 0, on_host: enlarged }]
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let _profiled = profile::scope(context.node());
        let folder = parts::open(context, inputs.get::<String>("model")?)?;
        let config = Self::configs(&folder)?;
        let image = inputs.get::<Image>("image")?;
        let [pictures, height, width] = image.sizes();
        let mut enlarged = Enlarged::new(image, config.upscale)?;
        let model = parts::load(context, &folder, PART, |weights| SrvggNetCompact::new(weights, &config))?;
        memory::reserve(model.place(), of_largest(&config, [height, width]))?;
        let tiles = tiles([height, width], TILE_SIDE, config.margin());
        let steps = pictures * tiles.len();
        for picture in 0..pictures {
            for (index, tile) in tiles.iter().enumerate() {
                let seen = cut(&image.0, picture, tile).and_then(|seen| enlarge(&model, &seen));
                enlarged.put(picture, tile, &seen.map_err(Error::from)?)?;
                context.progress(picture * tiles.len() + index + 1, steps)?;
            }
        }
        Ok(Outputs::one("image", enlarged.finish()?))
    }
}

/// Bytes that the largest tile of a picture takes.
fn of_largest(config: &SrvggConfig, size: [usize; 2]) -> u64 {
    let pixels = tiles(size, TILE_SIDE, config.margin()).iter().map(Tile::pixels).max();
    memory::of_srvgg(config, pixels.unwrap_or(0) as u64)
}

/// What a tile sees of a picture: `[1, height, width, 3]`.
fn cut(image: &Tensor, picture: usize, tile: &Tile) -> easel_kernels::Result<Tensor> {
    let (rows, columns) = (&tile.rows.seen, &tile.columns.seen);
    image.narrow(0, picture, 1)?.narrow(1, rows.start, rows.len())?.narrow(2, columns.start, columns.len())
}

/// From −1 … 1 to the same, on the host. The network was trained on 0 … 1, where the zeros beyond a picture's edge are black.
fn enlarge(model: &SrvggNetCompact, seen: &Tensor) -> easel_kernels::Result<Tensor> {
    let large = model.forward(&ops::affine(seen, 0.5, 0.5)?)?;
    ops::clamp(&ops::affine(&large.to_host()?, 2.0, -1.0)?, -1.0, 1.0)
}

/// The large pictures while they come into being.
struct Enlarged {
    values: Vec<f32>,
    shape: [usize; 4],
    upscale: usize,
}

impl Enlarged {
    fn new(image: &Image, upscale: usize) -> Result<Self, NodeError> {
        let [pictures, height, width] = image.sizes();
        let shape = [pictures, height.saturating_mul(upscale), width.saturating_mul(upscale), SrvggConfig::COLOURS];
        let [_, rows, columns, _] = shape;
        if rows.max(columns) > MAX_SIDE as usize {
            return Err(NodeError::new(format!(
                "a picture of {width}×{height} would become {columns}×{rows}; no side may be longer than {MAX_SIDE}"
            ))
            .with_hint("make it smaller first, with Resize, or cut out a part of it, with Crop"));
        }
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        let mut values = Vec::new();
        if count.is_none_or(|count| values.try_reserve_exact(count).is_err()) {
            let message = format!("there is no memory for {pictures} picture(s) of {columns}×{rows}");
            return Err(NodeError::new(message).with_hint("give it fewer at once, or smaller ones"));
        }
        values.resize(count.unwrap_or(0), 0.0);
        Ok(Enlarged { values, shape, upscale })
    }

    /// Takes what a tile gives of `large`, which is what it sees, enlarged.
    fn put(&mut self, picture: usize, tile: &Tile, large: &Tensor) -> Result<(), NodeError> {
        let [_, height, width, colours] = self.shape;
        let large = large.as_f32().map_err(Error::from)?;
        let (rows, columns) = (&tile.rows, &tile.columns);
        let from_row = columns.seen.len() * self.upscale * colours;
        let skipped = (columns.given.start - columns.seen.start) * self.upscale * colours;
        let len = columns.given.len() * self.upscale * colours;
        for y in rows.given.start * self.upscale..rows.given.end * self.upscale {
            let from = (y - rows.seen.start * self.upscale) * from_row + skipped;
            let to = ((picture * height + y) * width + columns.given.start * self.upscale) * colours;
            self.values[to..to + len].copy_from_slice(&large[from..from + len]);
        }
        Ok(())
    }

    fn finish(self) -> Result<Image, NodeError> {
        Image::new(Tensor::from_f32(self.values, self.shape).map_err(Error::from)?)
    }
}

#[cfg(all(test, feature = "builtin-models"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use std::io::Write;
    use std::path::Path;
    use std::sync::Arc;

    use easel_engine::{CancelToken, Event, EventSink, Node, Services, Value};
    use easel_kernels::Placement;

    use super::super::from_model::FromModel;
    use super::super::trial;
    use super::*;
    use crate::whole_file::write_whole_file;

    /// Pictures of smooth colours with edges in them, other ones for every size.
    fn pictures([pictures, height, width]: [usize; 3]) -> Tensor {
        let value = |index: usize| {
            let (pixel, colour) = (index / 3, index % 3);
            let (y, x) = (pixel / width, pixel % width);
            let edge = if (x / 9 + y / 5 + colour).is_multiple_of(2) { 0.4 } else { -0.4 };
            edge + 0.5 * (index as f32 * 0.013).sin()
        };
        Tensor::from_f32((0..pictures * height * width * 3).map(value).collect(), [pictures, height, width, 3]).unwrap()
    }

    fn run(image: Tensor, given: &[(&'static str, Value)], cancel: &CancelToken, events: &EventSink) -> NodeResult {
        let (name, services): (Arc<str>, _) = ("node".into(), crate::services(Placement::CPU));
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut context = Context::outside_a_run(&name, here, here, &services, cancel, events);
        let image = ("image", Value::new(Image::new(image).unwrap()));
        let node = FromModel(Upscale);
        node.run(&trial::inputs(&node, given.iter().cloned().chain([image])), &mut context)
    }

    fn upscaled(image: Tensor) -> Tensor {
        let done = run(image, &[], &CancelToken::new(), &EventSink::new()).unwrap();
        trial::output::<Image>(&done, "image").0.clone()
    }

    /// The network on the whole picture.
    fn at_once(image: &Tensor) -> Tensor {
        let folder = ModelFolder::open(BUILTIN, Path::new(".")).unwrap();
        let config = Upscale::configs(&folder).unwrap();
        let loaded =
            folder.weights(PART).unwrap().load_at(Placement::CPU, |w| SrvggNetCompact::new(w, &config)).unwrap();
        assert_eq!(loaded.unused, Vec::<String>::new());
        enlarge(&loaded.model, image).unwrap()
    }

    #[test]
    fn tiles_give_what_the_whole_picture_gives() {
        for size in [[1, 21, 2 * TILE_SIDE + 3], [1, TILE_SIDE + 1, 19], [2, 7, 5], [1, 1, 1]] {
            let image = pictures(size);
            let [count, height, width] = size;
            let (got, want) = (upscaled(image.clone()), at_once(&image));
            assert_eq!(got.dims(), [count, 4 * height, 4 * width, 3]);
            assert!(got.as_f32().unwrap() == want.as_f32().unwrap(), "{size:?}");
            assert!(got.as_f32().unwrap().iter().all(|value| (-1.0..=1.0).contains(value)));
        }
    }

    #[test]
    fn every_tile_is_told_of_and_a_cancelled_run_ends_after_one() {
        let mut events = EventSink::new();
        let received = events.listen();
        let image = || pictures([2, 3, TILE_SIDE + 1]);
        run(image(), &[], &CancelToken::new(), &events).unwrap();
        let progress = |event: Event| match event {
            Event::NodeProgress { step, steps, .. } => Some((step, steps)),
            _ => None,
        };
        let told: Vec<_> = received.try_iter().filter_map(progress).collect();
        assert_eq!(told, [(1, 4), (2, 4), (3, 4), (4, 4)]);
        let cancel = CancelToken::new();
        cancel.cancel();
        assert!(matches!(run(image(), &[], &cancel, &events), Err(NodeError::Cancelled)));
    }

    #[test]
    fn a_picture_that_would_become_too_large_is_refused() {
        let said = trial::failure(run(pictures([1, 1, 4097]), &[], &CancelToken::new(), &EventSink::new()));
        assert!(said.contains("a picture of 4097×1 would become 16388×4"), "{said}");
        assert!(said.contains("Resize"), "{said}");
    }

    fn write(path: &Path, text: &str) {
        write_whole_file(path, |file| file.write_all(text.as_bytes())).unwrap();
    }

    /// What a check before the run, and the run, say of a model.
    #[track_caller]
    fn assert_refused(model: &str, words: &[&str]) {
        let given = [("model", trial::text(model))];
        let ran = trial::failure(run(pictures([1, 2, 2]), &given, &CancelToken::new(), &EventSink::new()));
        let inputs = Inputs::new(given);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checked =
            format!("{:?}", FromModel(Upscale).check(&Literals::of(&inputs, here).at(&Services::default(), None)));
        for word in words {
            assert!(ran.contains(word), "{ran}");
            assert!(checked.contains(word), "{checked}");
        }
    }

    #[test]
    fn models_that_do_not_make_pictures_larger_are_refused_with_what_to_do() {
        assert_refused("builtin:emoji-unclip", &["has no part `upscaler`", BUILTIN]);
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(PART);
        std::fs::create_dir(&part).unwrap();
        let source = folder.path().to_str().unwrap();
        let config = |class: &str| {
            let json = format!(r#"{{"_class_name": "{class}", "num_conv": 1, "num_feat": 8, "upscale": 2}}"#);
            write(&part.join("config.json"), &json);
        };
        config("RRDBNet");
        assert_refused(source, &["upscaler/config.json", "RRDBNet", "SRVGGNetCompact"]);
        config("SRVGGNetCompact");
        assert_refused(source, &["upscaler", "safetensors"]);
    }

    #[test]
    fn other_networks_of_the_class_work_too() {
        let (config, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let part = config.path().join(PART);
        std::fs::create_dir(&part).unwrap();
        let json = r#"{"_class_name": "SRVGGNetCompact", "num_conv": 1, "num_feat": 8, "upscale": 2}"#;
        write(&part.join("config.json"), json);
        crate::checkpoint::write_random(config.path(), out.path(), easel_kernels::DType::F32, 0, &mut |_, _, _| {})
            .unwrap();
        let model = [("model", trial::text(out.path().to_str().unwrap()))];
        let done = run(pictures([1, 3, 4]), &model, &CancelToken::new(), &EventSink::new()).unwrap();
        assert_eq!(trial::output::<Image>(&done, "image").0.dims(), [1, 6, 8, 3]);
    }
}
