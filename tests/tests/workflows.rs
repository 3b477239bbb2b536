//! The workflows that ship, run from end to end with few steps; what they made is looked at.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::path::{Path, PathBuf};

use easel_engine::{
    CancelToken, Data, Diagnostic, EventSink, Outcome, Plan, Plugins, Registry, Run, RunReport, Settings, Source,
};
use easel_kernels::Device;
use easel_nodes::picture;
use image::RgbImage;
use tempfile::TempDir;

fn workflows() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("workflows")
}

/// The workflows of a folder, sorted.
fn shipped(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ron"));
    paths.sort();
    paths
}

/// The node types that are built in, and those of the plugins that ship.
fn registry() -> Registry {
    let set = Plugins::new(easel_nodes::registry().unwrap()).load(&[workflows().join("plugins")]);
    assert_eq!(set.diagnostics().collect::<Vec<_>>(), []);
    set.registry
}

fn prepare(path: &Path, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let source = Source::read(path).map_err(|diagnostic| vec![diagnostic])?;
    let (plan, warnings) = Plan::prepare(&source, &registry(), settings)?;
    if warnings.is_empty() { Ok(plan) } else { Err(warnings) }
}

/// A finished run and the folder that it wrote to.
struct Made {
    report: RunReport,
    folder: TempDir,
}

/// Runs a shipped workflow with two steps in every loop of every network, unless `set` says otherwise.
fn make(name: &str, set: &[(&str, &str)]) -> Made {
    let path = workflows().join(format!("{name}.ron"));
    let text = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings { out_dir: folder.path().to_path_buf(), ..Settings::default() };
    settings.set = set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    for steps in ["steps", "prior_steps", "decoder_steps", "super_res_steps"] {
        let is_set = set.iter().any(|(name, _)| *name == steps);
        if !is_set && text.contains(&format!("\"{steps}\": Integer(default")) {
            settings.set.push((steps.to_string(), "2".to_string()));
        }
    }
    let plan = prepare(&path, &settings).unwrap_or_else(|diagnostics| panic!("{name}: {diagnostics:#?}"));
    let services = easel_nodes::services(Device::Cpu);
    let report = Run::new(plan, services, EventSink::new(), CancelToken::new()).execute();
    let failures: Vec<_> = report.failed.iter().map(|failure| (&failure.node, &failure.message)).collect();
    assert_eq!(report.outcome, Outcome::Completed, "{name}: {failures:?}");
    Made { report, folder }
}

impl Made {
    fn picture(&self, name: &str) -> RgbImage {
        picture::load(&self.folder.path().join(name)).unwrap()
    }

    /// Every file that was written, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(self.folder.path()).unwrap();
                    files.push(inside.to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }

    /// The elements of a list that the workflow gave.
    fn list<T: Data + Clone>(&self, output: &str) -> Vec<T> {
        let list = self.report.results[output].list().unwrap();
        list.items().iter().map(|item| item.get::<T>().unwrap().clone()).collect()
    }

    /// The pictures of a list that the workflow gave.
    fn pictures(&self, output: &str) -> Vec<RgbImage> {
        let images = self.list::<easel_nodes::kinds::Image>(output);
        images.iter().flat_map(|image| image.to_rgb().unwrap()).collect()
    }
}

/// The pictures that ship.
fn example(name: &str) -> RgbImage {
    picture::load(&workflows().join("pictures").join(name)).unwrap()
}

/// Where a picture lies on a sheet, its upper left corner.
fn place(sheet: &RgbImage, picture: &RgbImage) -> Option<(u32, u32)> {
    let (width, height) = picture.dimensions();
    let columns = 0..=sheet.width().checked_sub(width)?;
    let rows = 0..=sheet.height().checked_sub(height)?;
    let is_at =
        |x: u32, y: u32| (0..height).all(|row| row_of(sheet, x, y + row, width) == row_of(picture, 0, row, width));
    rows.flat_map(|y| columns.clone().map(move |x| (x, y))).find(|&(x, y)| is_at(x, y))
}

fn row_of(picture: &RgbImage, x: u32, y: u32, width: u32) -> &[u8] {
    let start = (y as usize * picture.width() as usize + x as usize) * 3;
    &picture.as_raw()[start..start + width as usize * 3]
}

/// Which of these pictures of one size is most like that one.
fn nearest(picture: &RgbImage, others: &[RgbImage]) -> usize {
    let difference = |other: &RgbImage| -> u64 {
        assert_eq!(picture.dimensions(), other.dimensions());
        picture.iter().zip(other.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
    };
    (0..others.len()).min_by_key(|&index| difference(&others[index])).unwrap()
}

/// Whether there are letters right below a picture of a sheet.
fn is_labelled(sheet: &RgbImage, (x, y): (u32, u32), side: u32) -> bool {
    let below = (y + side + 4..(y + side + 20).min(sheet.height())).flat_map(|y| (x..x + side).map(move |x| (x, y)));
    below.filter(|&(x, y)| sheet.get_pixel(x, y)[0] < 100).count() > 20
}

fn is_descending(scores: &[f64]) -> bool {
    scores.windows(2).all(|pair| pair[0] >= pair[1])
}

#[test]
fn every_workflow_that_ships_is_sound_and_says_what_it_is() {
    let (folder, parts) = (workflows(), workflows().join("parts"));
    let paths = [shipped(&folder), shipped(&parts)].concat();
    assert!(shipped(&folder).len() >= 15, "{paths:?}");
    for path in paths {
        let sound = match prepare(&path, &Settings::default()) {
            Ok(_) => true,
            // What only a caller can give is no fault.
            Err(found) => found.iter().all(|diagnostic| diagnostic.code == "missing-setting"),
        };
        assert!(sound, "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("// ") && text.contains("about: \""), "{}: say what it is for", path.display());
    }
}

#[test]
fn another_base_folder_is_no_other_folder_for_included_workflows() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(workflows().join("pictures/cat.png"), folder.path().join("mine.png")).unwrap();
    let set = [("path", "mine.png"), ("variations", "1")].map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = Settings { set: set.to_vec(), base_dir: Some(folder.path().into()), ..Settings::default() };
    let plan = prepare(&workflows().join("variations_sheet.ron"), &settings);
    assert!(plan.is_ok(), "{:#?}", plan.err());
}

#[test]
fn a_body_with_an_error_is_reported_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(workflows().join("variations_sheet.ron")).unwrap();
    let path = folder.path().join("a.ron");
    fs::write(&path, text).unwrap();
    let found = prepare(&path, &Settings::default()).err().unwrap();
    assert!(found.iter().any(|diagnostic| diagnostic.message.contains("parts/vary.ron")), "{found:#?}");
}

#[test]
fn one_picture_of_a_prompt_and_one_of_a_picture() {
    let set = [("prompt", "a cat"), ("pictures", "2")];
    let made = make("text_to_image", &set);
    assert_eq!(made.files(), ["picture_0001.png", "picture_0002.png"]);
    let small = make("text_to_image", &[&set[..], &[("enlarge", "false")]].concat());
    let names = ["picture_0001.png", "picture_0002.png"];
    let (large, small) = (names.map(|name| made.picture(name)), names.map(|name| small.picture(name)));
    assert!(large.iter().all(|picture| picture.dimensions() == (512, 512)));
    assert!(small.iter().all(|picture| picture.dimensions() == (128, 128)));
    let enlarged = small.map(|small| picture::resize(&small, 512, 512));
    assert_eq!(large.map(|large| nearest(&large, &enlarged)), [0, 1], "they show the same");
    assert_ne!(made.picture("picture_0001.png"), made.picture("picture_0002.png"));
    let made = make("image_variation", &[("path", "pictures/cat.png")]);
    assert_eq!(made.picture("variation_0001.png").dimensions(), (512, 512));
}

#[test]
fn the_best_picture_stands_first() {
    let made = make("best_of_four", &[("prompt", "a cat")]);
    assert_eq!(made.files(), ["best_0001.png", "ranked_0001.png"]);
    let scores = made.list::<f64>("scores");
    assert!(scores.len() == 4 && is_descending(&scores), "{scores:?}");
    let (sheet, best) = (made.picture("ranked_0001.png"), made.picture("best_0001.png"));
    assert_eq!((sheet.width(), best.dimensions()), (2 * 136 + 8, (128, 128)));
    assert_eq!(place(&sheet, &best), Some((8, 32)), "below the title, on the left");
    assert!(is_labelled(&sheet, (8, 32), 128));
}

#[test]
fn a_sweep_draws_every_combination() {
    let set = [("prompts", r#"["a cat", "a crab"]"#), ("guidance_scales", "[1.0, 9.0]"), ("seeds", "[3]")];
    let made = make("parameter_sweep", &set);
    let sheet = made.picture("sweep_0001.png");
    // Two columns; a label of two lines below each picture.
    assert_eq!(sheet.dimensions(), (2 * 136 + 8, 2 * (136 + 40) + 8));
    let tile = |x: u32, y: u32| image::imageops::crop_imm(&sheet, x, y, 128, 128).to_image();
    let tiles = [tile(8, 8), tile(144, 8), tile(8, 184), tile(144, 184)];
    for (index, one) in tiles.iter().enumerate() {
        assert!(tiles[..index].iter().all(|other| other != one), "tile {index} is one of its own");
    }
    let alone = make(
        "text_to_image",
        &[("prompt", "a crab"), ("seed", "3"), ("decoder_guidance_scale", "9.0"), ("enlarge", "false")],
    );
    assert_eq!(tiles[3], alone.picture("picture_0001.png"), "it is what the plain workflow draws");
}

#[test]
fn every_line_of_a_file_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prompts.txt");
    fs::write(&path, "\u{feff}# mine\r\na cat\r\n\r\n  a crab  \r\n").unwrap();
    let made = make("prompts_from_file", &[("path", path.to_str().unwrap())]);
    assert_eq!(made.files(), ["batch/000_0001.png", "batch/001_0001.png", "batch_0001.png"]);
    let sheet = made.picture("batch_0001.png");
    for (file, x) in [("batch/000_0001.png", 8), ("batch/001_0001.png", 144)] {
        assert_eq!(place(&sheet, &made.picture(file)), Some((x, 8)), "{file}");
        assert!(is_labelled(&sheet, (x, 8), 128), "{file}");
    }
}

#[test]
fn every_picture_of_a_folder_is_upscaled() {
    // Beside the sheet, of which one with all of the pictures that ship would be large.
    let made = make("upscale_folder", &[("folder", "pictures/small")]);
    let names = ["cat", "crab", "ghost", "pizza", "rocket", "sunflower"];
    let wanted: Vec<_> = names.iter().map(|name| format!("upscaled/{name}_0001.png")).collect();
    assert_eq!(made.files()[..6], wanted);
    let sheet = made.picture("upscaled_0001.png");
    assert_eq!(sheet.width(), 6 * (96 + 8) + 8);
    let enlarged = names.map(|name| picture::resize(&example(&format!("small/{name}.png")), 96, 96));
    for (column, name) in names.iter().enumerate() {
        let x = 8 + (96 + 8) * column as u32;
        assert_eq!(place(&sheet, &enlarged[column]), Some((x, 32)), "{name} is above");
        let upscaled = made.picture(&format!("upscaled/{name}_0001.png"));
        assert_eq!(place(&sheet, &upscaled), Some((x, 32 + 128)), "{name} is below");
        assert_eq!(nearest(&upscaled, &enlarged), column, "{name} is still {name}");
    }
}

#[test]
fn a_strip_leads_from_one_prompt_to_the_other() {
    let set = [("from", "a crab"), ("to", "a ghost"), ("pictures", "3")];
    let made = make("interpolate_prompts", &set);
    let pictures = made.pictures("images");
    assert_eq!(pictures.len(), 3);
    let sheet = made.picture("strip_0001.png");
    assert_eq!(sheet.width(), 3 * 132 + 4);
    for (index, picture) in pictures.iter().enumerate() {
        assert_eq!(place(&sheet, picture), Some((4 + 132 * index as u32, 24)), "picture {index}");
    }
    let back = make("interpolate_prompts", &[("from", "a ghost"), ("to", "a crab"), ("pictures", "2")]);
    let back = back.pictures("images");
    assert_eq!((&back[0], &back[1]), (&pictures[2], &pictures[0]), "the ends are the prompts' own");
}

#[test]
fn a_picture_is_mixed_with_a_text() {
    let made = make("mix_picture_and_text", &[("amounts", "[0.0, 0.5, 1.0]")]);
    let sheet = made.picture("mixed_0001.png");
    let pictures = made.pictures("images");
    assert_eq!(pictures.len(), 3);
    assert_eq!(place(&sheet, &example("cat.png")), Some((8, 32)), "the picture itself stands first");
    for (index, picture) in pictures.iter().enumerate() {
        assert_eq!(place(&sheet, picture), Some((144 + 136 * index as u32, 32)), "picture {index}");
    }
    let alone = make("variations_sheet", &[("path", "pictures/cat.png"), ("variations", "1")]);
    assert_eq!(pictures[0], alone.pictures("images")[0], "nothing mixed in is a variation");
}

#[test]
fn a_difference_of_texts_changes_a_background() {
    let set = [("path", "pictures/rocket.png"), ("strengths", "[0.0, 1.0]"), ("steps", "10")];
    let made = make("embedding_arithmetic", &set);
    let pictures = made.pictures("images");
    let corner = |picture: &RgbImage| picture.get_pixel(4, 4).0.map(i32::from);
    let (before, after) = (corner(&pictures[0]), corner(&pictures[1]));
    assert!(before[2] > before[0] + 60, "blue: {before:?}");
    assert!(after[0] > after[2] + 60 && after[1] > after[2] + 60, "yellow: {after:?}");
    assert_eq!(place(&made.picture("arithmetic_0001.png"), &example("rocket.png")), Some((8, 48)));
}

#[test]
fn a_search_finds_what_was_asked_for() {
    let made = make("search_pictures", &[("query", "a ghost on a black background"), ("count", "3")]);
    let (paths, scores) = (made.list::<String>("paths"), made.list::<f64>("scores"));
    assert_eq!((paths.len(), paths[0].as_str()), (3, "pictures/ghost.png"));
    assert!(is_descending(&scores), "{scores:?}");
    let sheet = made.picture("found_0001.png");
    for (index, path) in paths.iter().enumerate() {
        let picture = example(path.strip_prefix("pictures/").unwrap());
        let place = place(&sheet, &picture);
        assert_eq!(place, Some((8 + 136 * index as u32, 32)), "{path}");
        assert!(is_labelled(&sheet, place.unwrap(), 128), "{path}");
    }
}

#[test]
fn a_picture_is_described_by_the_words_that_fit() {
    let made = make("describe_picture", &[("count", "3")]);
    let (words, scores) = (made.list::<String>("words"), made.list::<f64>("scores"));
    assert_eq!((words.len(), words[0].as_str()), (3, "a crab"));
    assert!(is_descending(&scores), "{scores:?}");
    let sheet = made.picture("described_0001.png");
    assert_eq!(sheet.dimensions(), (256 + 16, 8 + 264 + 3 * 16 + 8), "three lines below the picture");
}

#[test]
fn a_loop_hears_what_the_pass_before_it_said() {
    let made = make("whispers", &[("path", "pictures/pizza.png"), ("passes", "2")]);
    let sheet = made.picture("whispers_0001.png");
    assert_eq!(place(&sheet, &example("pizza.png")), Some((8, 8)));
    let tile = |x: u32| image::imageops::crop_imm(&sheet, x, 8, 128, 128).to_image();
    let (first, second) = (tile(144), tile(280));
    assert_eq!(made.report.results["last"].get::<easel_nodes::kinds::Image>().unwrap().to_rgb().unwrap()[0], second);
    // A variation of the first pass's picture, with the second pass's seed, is the second pass's picture.
    let path = made.folder.path().join("first.png");
    first.save(&path).unwrap();
    let set = [("path", path.to_str().unwrap()), ("first_seed", "1"), ("variations", "1")];
    assert_eq!(make("variations_sheet", &set).pictures("images")[0], second);
}

#[test]
fn a_loop_ends_when_the_picture_is_good_enough() {
    let once = make("draw_until_good", &[("wanted", "-1.0")]);
    assert_eq!(once.list::<f64>("scores").len(), 1);
    let most = make("draw_until_good", &[("wanted", "1.0"), ("attempts", "3")]);
    let scores = most.list::<f64>("scores");
    assert_eq!(scores.len(), 3);
    let best = (0..3).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
    let place = place(&most.picture("attempts_0001.png"), &most.picture("good_0001.png"));
    assert_eq!(place, Some((8 + 136 * best as u32, 32)), "{scores:?}");
}

#[test]
fn a_gate_keeps_prompts_back() {
    let made = make("safe_batch", &[]);
    let drawn = made.list::<String>("drawn");
    assert_eq!(drawn, ["a cat on a white background", "a mushroom on a gray background"]);
    assert_eq!(made.files(), ["safe_0001.png", "safe_0002.png", "safe_batch_0001.png"]);
    let reasons: Vec<_> = made.report.blocked.iter().map(|blocked| blocked.node.to_string()).collect();
    assert!(reasons.iter().any(|node| node.starts_with("all[1]/")), "{reasons:?}");
    let sheet = made.picture("safe_batch_0001.png");
    for (index, file) in ["safe_0001.png", "safe_0002.png"].iter().enumerate() {
        let found = [8, 144].into_iter().any(|x| place(&sheet, &made.picture(file)) == Some((x, 8)));
        assert!(found, "{index}: {file} is on the sheet");
    }
    assert_eq!(sheet.width(), 2 * 136 + 8);
}

#[test]
fn a_plugin_prints_with_two_inks() {
    let set = [("dark", "#000000"), ("bright", "#00ff00")];
    let made = make("two_inks", &set);
    let picture = |output: &str| {
        let image = made.report.results[output].get::<easel_nodes::kinds::Image>().unwrap();
        image.to_rgb().unwrap().remove(0)
    };
    let drawn = make("text_to_image", &[("enlarge", "false")]).picture("picture_0001.png");
    let printed = picture("printed");
    for (before, after) in drawn.pixels().zip(printed.pixels()) {
        let light = 0.299 * f64::from(before[0]) + 0.587 * f64::from(before[1]) + 0.114 * f64::from(before[2]);
        assert_eq!((after[0], after[2]), (0, 0));
        // The picture that was printed had not been rounded to levels yet.
        assert!((light - f64::from(after[1])).abs() <= 1.5, "{before:?} {after:?}");
    }
    let negative = picture("negative");
    let is_turned_over = |(before, after): (&u8, &u8)| (255 - i16::from(*before)).abs_diff(i16::from(*after)) <= 1;
    assert!(drawn.iter().zip(negative.iter()).all(is_turned_over));
    let sheet = made.picture("two_inks_0001.png");
    assert_eq!(place(&sheet, &printed), Some((8 + 136, 32)));
    assert_eq!(place(&sheet, &negative), Some((8 + 2 * 136, 32)));
}

#[test]
fn a_plugin_finds_the_middle_of_embeddings() {
    let registry = registry();
    let text = r#"Workflow(version: 1, nodes: {
        "cat": LoadImage(path: "cat.png"),
        "ghost": LoadImage(path: "ghost.png"),
        "a": ClipImageEncoder(model: "builtin:emoji-unclip", image: From("cat")),
        "b": ClipImageEncoder(model: "builtin:emoji-unclip", image: From("ghost")),
        "both": MeanEmbedding(embeddings: [From("a"), From("b")]),
        "one": MeanEmbedding(embeddings: [From("a")]),
    }, outputs: { "a": From("a"), "b": From("b"), "both": From("both"), "one": From("one") })"#;
    let settings = Settings { base_dir: Some(workflows().join("pictures")), ..Settings::default() };
    let (plan, _) = Plan::prepare(&Source::new("mean.ron", text), &registry, &settings).unwrap();
    let report = Run::new(plan, easel_nodes::services(Device::Cpu), EventSink::new(), CancelToken::new()).execute();
    let row = |output: &str| -> Vec<f64> {
        let embedding = report.results[output].get::<easel_nodes::kinds::ImageEmbedding>().unwrap();
        embedding.0.to_vec_f32().expect("it is on the host").into_iter().map(f64::from).collect()
    };
    let (a, b) = (row("a"), row("b"));
    let length = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    let sum: Vec<_> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let factor = (length(&a) + length(&b)) / 2.0 / length(&sum);
    let close = |got: &[f64], wanted: &[f64]| got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-6);
    assert!(close(&row("both"), &sum.iter().map(|x| x * factor).collect::<Vec<_>>()));
    assert!(close(&row("one"), &a));
}
