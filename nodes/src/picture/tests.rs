//! Pictures survive the way to a file and back with their recipe, and CLIP's view of them is that of the reference.

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage, Rgba, RgbaImage};
use safetensors::SafeTensors;
use tempfile::TempDir;

use super::*;
use crate::config::{ImageProcessorConfig, Resize};

fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/A")).join(path)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn pattern(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 + y) as u8, (y * 5) as u8, (x ^ y) as u8]))
}

fn recipe() -> Recipe {
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    Recipe {
        easel_version: "0.1.0".into(),
        workflow: "(\n  nodes: [ /* ünïcödé \u{1F431} */ ],\n)\0".into(),
        files: map(&[("parts/draw.ron", "Workflow(/* ünïcödé */)"), ("../b.ron", "")]),
        inputs: map(&[("prompt", "北京の猫, кот, قطة \u{1F431} \"quoted\"\n"), ("seed", "18446744073709551615")]),
        notes: map(&[("decoder.seed", "7"), ("model.hash", "")]),
        node: "save \u{2713}".into(),
        picture_index: 3,
    }
}

fn save(path: &Path, overwrite: Overwrite) -> crate::error::Result<PathBuf> {
    let picture = pattern(8, 6);
    save_png(path, &picture, 8, 6, &recipe(), overwrite)
}

/// Everything in a folder but the pictures: there should be nothing.
fn litter(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("the folder is there");
    let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".png")).collect()
}

#[test]
fn picture_and_recipe_come_back_as_they_were() {
    let folder = folder();
    let path = folder.path().join("new/deeper/picture.png");
    let picture = pattern(97, 61);
    let saved = save_png(&path, &picture, 97, 61, &recipe(), Overwrite::Yes).expect("saved");
    assert_eq!(saved, path);
    assert_eq!(load(&path).expect("loaded"), picture);
    assert_eq!(read_recipe(&path).expect("read"), Some(recipe()));
}

#[test]
fn a_large_workflow_survives_and_is_compressed() {
    let folder = folder();
    let path = folder.path().join("picture.png");
    let workflow: String = (0..100_000).map(|i| format!("node {i}, ")).collect();
    assert!(workflow.len() > 1 << 20);
    let recipe = Recipe { workflow, ..recipe() };
    save_png(&path, &pattern(8, 6), 8, 6, &recipe, Overwrite::Yes).expect("saved");
    assert!(fs::metadata(&path).expect("there").len() < 1 << 19);
    assert_eq!(read_recipe(&path).expect("read"), Some(recipe));
}

#[test]
fn files_in_the_way_are_kept_unless_told_otherwise() {
    let folder = folder();
    let path = folder.path().join("picture.png");
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for wanted in ["picture_0001.png", "picture_0002.png"] {
        assert_eq!(name(save(&path, Overwrite::Never).expect("saved")), wanted);
    }
    // Numbers go up, also where one was deleted, and other files' numbers do not count.
    fs::remove_file(folder.path().join("picture_0001.png")).expect("removed");
    for other in ["picture_0041.jpg", "picture_41.png", "picture_20240101120000.png", "other_0099.png"] {
        fs::write(folder.path().join(other), b"x").expect("written");
    }
    assert_eq!(name(save(&path, Overwrite::Never).expect("saved")), "picture_0003.png");
    fs::write(folder.path().join("picture_9999.png"), b"x").expect("written");
    assert_eq!(name(save(&path, Overwrite::Never).expect("saved")), "picture_10000.png");

    assert_eq!(save(&path, Overwrite::Refuse).expect("saved"), path);
    fs::write(&path, b"precious").expect("written");
    let error = save(&path, Overwrite::Refuse).expect_err("refused").to_string();
    assert!(error.contains("already"), "{error}");
    assert_eq!(fs::read(&path).expect("read"), b"precious");
    save(&path, Overwrite::Yes).expect("saved");
    assert!(load(&path).is_ok());
    assert_eq!(litter(folder.path()), ["picture_0041.jpg"]);
}

#[test]
fn savers_at_the_same_time_get_names_of_their_own() {
    let folder = folder();
    let path = folder.path().join("picture.png");
    let names: Vec<PathBuf> = std::thread::scope(|scope| {
        let save_some = || (0..8).map(|_| save(&path, Overwrite::Never).expect("saved")).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(save_some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), 32);
    assert!(names.iter().all(|name| load(name).is_ok()));
    assert!(litter(folder.path()).is_empty());
}

#[test]
fn failed_saves_leave_nothing_behind() {
    let folder = folder();
    let file = folder.path().join("file.png");
    fs::write(&file, b"x").expect("written");
    assert!(save(&file.join("picture.png"), Overwrite::Yes).is_err());
    assert!(save(folder.path(), Overwrite::Yes).is_err());
    assert!(save(Path::new("/"), Overwrite::Never).is_err());
    let path = folder.path().join("picture.png");
    assert!(save_png(&path, &[0; 5], 2, 1, &recipe(), Overwrite::Yes).is_err());
    assert!(save_png(&path, &[], 0, 1, &recipe(), Overwrite::Yes).is_err());
    assert!(!path.exists() && litter(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn saved_files_are_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = save(&folder.path().join("picture.png"), Overwrite::Yes).expect("saved");
    let other = folder.path().join("other.png");
    fs::write(&other, b"x").expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode();
    assert_eq!(mode(&path), mode(&other));
}

#[test]
fn foreign_and_damaged_files_are_told_apart() {
    let folder = folder();
    let path = folder.path().join("picture.png");
    pattern(8, 6).save(&path).expect("saved");
    assert_eq!(read_recipe(&path).expect("a foreign picture is no error"), None);

    save(&path, Overwrite::Yes).expect("saved");
    let whole = fs::read(&path).expect("read");
    // Wherever it is cut off: an error or a recipe, never a panic and never half a picture.
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("written");
        if let Ok(Some(found)) = read_recipe(&path) {
            assert_eq!(found, recipe());
        }
        assert!(load(&path).is_err() || length >= whole.len() - 12, "cut off at {length} of {}", whole.len());
    }
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x55;
        fs::write(&path, &damaged).expect("written");
        let _ = (read_recipe(&path), load(&path));
    }
    for garbage in [&b""[..], b"garbage", b"\x89PNG\r\n\x1a\n", b"GIF89a\x01\0\x01\0\0\0\0;", &[0; 4096]] {
        fs::write(&path, garbage).expect("written");
        let error = read_recipe(&path).expect_err("refused").to_string();
        assert!(error.contains("picture.png"), "{error}");
        assert!(load(&path).expect_err("refused").to_string().contains("picture.png"));
    }
    for nowhere in [folder.path(), &folder.path().join("nowhere.png")] {
        assert!(load(nowhere).is_err() && read_recipe(nowhere).is_err());
    }
}

#[test]
fn a_recipe_that_unpacks_to_too_much_is_refused() {
    let folder = folder();
    let path = folder.path().join("bomb.png");
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().expect("a header");
    let mut chunk = png::text_metadata::ITXtChunk::new("easel:workflow", "a".repeat(65 << 20));
    chunk.compressed = true;
    writer.write_text_chunk(&chunk).expect("a chunk");
    writer.write_image_data(&[0]).expect("a pixel");
    writer.finish().expect("an end");
    fs::write(&path, bytes).expect("written");
    assert!(read_recipe(&path).is_err());
}

#[test]
fn pictures_larger_than_any_screen_are_refused_unread() {
    let mut bytes = Vec::new();
    // Only the header says that it is huge.
    let writer = png::Encoder::new(&mut bytes, 60_000, 60_000).write_header().expect("a header");
    drop(writer);
    let error = decode(&bytes, "bomb.png").expect_err("refused").to_string();
    assert!(error.contains("too large"), "{error}");
}

#[test]
fn other_kinds_of_pixels_become_rgb_on_white() {
    let folder = folder();
    let path = folder.path().join("picture.png");
    let alpha = RgbaImage::from_fn(256, 1, |x, _| Rgba([10, 200, 255, x as u8]));
    alpha.save(&path).expect("saved");
    let flat = load(&path).expect("loaded");
    assert_eq!(flat.get_pixel(0, 0), &Rgb([255, 255, 255]));
    assert_eq!(flat.get_pixel(255, 0), &Rgb([10, 200, 255]));
    for x in 0..256 {
        let exact = (10.0 * f64::from(x) + 255.0 * f64::from(255 - x)) / 255.0;
        assert!((f64::from(flat.get_pixel(x, 0)[0]) - exact).abs() <= 0.51, "{x}");
    }
    image::ImageBuffer::<image::Luma<u16>, _>::from_pixel(2, 2, image::Luma([0x8080])).save(&path).expect("saved");
    assert_eq!(load(&path).expect("loaded").get_pixel(1, 1), &Rgb([0x80, 0x80, 0x80]));
    let jpeg = folder.path().join("named_wrongly.png");
    pattern(16, 16).save_with_format(&jpeg, image::ImageFormat::Jpeg).expect("saved");
    assert_eq!(load(&jpeg).expect("told by its contents").dimensions(), (16, 16));
}

fn processor(edge: usize) -> ImageProcessorConfig {
    ImageProcessorConfig {
        resize: Some(Resize::ShortestEdge(edge)),
        center_crop: Some((edge, edge)),
        ..ImageProcessorConfig::default()
    }
}

const CASES: [(&str, &str, usize); 5] = [
    ("tiny0", "a0_rgb_97x61.png", 32),
    ("tiny1", "a1_rgb_40x75.png", 32),
    ("tiny2", "a2_rgb_64x64.png", 32),
    ("tiny3", "a3_rgb_300x200.png", 32),
    ("karlo224", "a3_rgb_300x200.png", 224),
];

#[test]
fn resizing_has_the_bits_of_pillow() {
    let file = fs::read(golden("image_processor.safetensors")).expect("the golden file is there");
    let tensors = SafeTensors::deserialize(&file).expect("the golden file is sound");
    for (case, image, edge) in CASES {
        let picture = load(&golden("images").join(image)).expect("loaded");
        let wanted = tensors.tensor(&format!("{case}.resized_u8")).expect("in the golden file");
        let raw = ImageProcessorConfig {
            center_crop: None,
            rescale_factor: None,
            mean: [0.0; 3],
            std: [1.0; 3],
            ..processor(edge)
        };
        let prepared = preprocess(&picture, &raw).expect("prepared");
        assert_eq!([prepared.height, prepared.width, 3], wanted.shape(), "{case}");
        let values: Vec<u8> = prepared.values.iter().map(|&value| value as u8).collect();
        assert!(values == wanted.data(), "{case}");
    }
}

#[test]
fn pixel_values_are_those_of_the_reference() {
    let file = fs::read(golden("image_processor.safetensors")).expect("the golden file is there");
    let tensors = SafeTensors::deserialize(&file).expect("the golden file is sound");
    for (case, image, edge) in CASES {
        let picture = load(&golden("images").join(image)).expect("loaded");
        let prepared = preprocess(&picture, &processor(edge)).expect("prepared");
        assert_eq!((prepared.height, prepared.width), (edge, edge));
        let (name, every) = if edge == 32 { ("pixel_values", 1) } else { ("pixel_values_every_8th_row", 8) };
        let wanted = tensors.tensor(&format!("{case}.{name}")).expect("in the golden file");
        let wanted: &[f32] = &bytemuck::pod_collect_to_vec(wanted.data());
        let rows = edge.div_ceil(every);
        assert_eq!(wanted.len(), 3 * rows * edge);
        for (index, &wanted) in wanted.iter().enumerate() {
            let (channel, row, column) = (index / (rows * edge), index / edge % rows * every, index % edge);
            let value = prepared.values[(row * edge + column) * 3 + channel];
            assert!((value - wanted).abs() <= 1e-6, "{case} at {index}: {value} and {wanted}");
        }
    }
}

#[test]
fn crops_are_centred_as_in_the_reference() {
    let plain =
        ImageProcessorConfig { resize: None, center_crop: None, rescale_factor: None, mean: [0.0; 3], std: [1.0; 3] };
    let row = RgbImage::from_fn(5, 1, |x, _| Rgb([x as u8 + 1; 3]));
    let crop = |width: usize| {
        let config = ImageProcessorConfig { center_crop: Some((1, width)), ..plain.clone() };
        let prepared = preprocess(&row, &config).expect("prepared");
        prepared.values.iter().step_by(3).map(|&value| value as u8).collect::<Vec<_>>()
    };
    assert_eq!(crop(5), [1, 2, 3, 4, 5]);
    assert_eq!(crop(2), [2, 3]);
    assert_eq!(crop(3), [2, 3, 4]);
    assert_eq!(crop(7), [0, 1, 2, 3, 4, 5, 0]);
    assert_eq!(crop(8), [0, 0, 1, 2, 3, 4, 5, 0]);
    let config = ImageProcessorConfig { center_crop: Some((3, 3)), ..plain.clone() };
    let both = preprocess(&row, &config).expect("prepared");
    assert_eq!(
        both.values.iter().step_by(3).map(|&value| value as u8).collect::<Vec<_>>(),
        [0, 0, 0, 2, 3, 4, 0, 0, 0]
    );
}

#[test]
fn odd_sizes_are_prepared_or_refused() {
    for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 3)] {
        let prepared = preprocess(&pattern(width, height), &processor(16)).expect("prepared");
        assert_eq!(prepared.values.len(), 16 * 16 * 3);
    }
    assert!(preprocess(&RgbImage::new(0, 5), &processor(16)).is_err());
    assert!(preprocess(&RgbImage::new(1, 16_384), &processor(224)).is_err());
    let exact = ImageProcessorConfig { resize: Some(Resize::Exact { height: 7, width: 9 }), ..processor(16) };
    let exact = ImageProcessorConfig { center_crop: None, ..exact };
    let prepared = preprocess(&pattern(30, 20), &exact).expect("prepared");
    assert_eq!((prepared.height, prepared.width), (7, 9));
}
