//! Ordinary prompts and faceless pictures pass; what the filters are for does not.

use image::{Rgb, RgbImage};

use super::*;

/// Eileen Collins, photographed by NASA: in the public domain.
const FACE: &[u8] = include_bytes!("../../tests/data/face.jpg");
/// Chelsea the cat, photographed by Stefan van der Walt: CC0.
const CAT: &[u8] = include_bytes!("../../tests/data/cat.jpg");

fn picture(bytes: &[u8]) -> RgbImage {
    crate::picture::decode(bytes, "test picture").expect("the picture is sound")
}

fn detect(picture: &RgbImage) -> Vec<FaceBox> {
    FaceDetector::new().expect("the model is sound").detect(picture)
}

#[test]
fn ordinary_prompts_pass() {
    let filter = PromptFilter::new();
    let ordinary = "a cat|a cockerel|Scunthorpe|a photo of an astronaut riding a horse|a blue tit on a branch|GREAT TITS|\
        assassin in classic grass|an analysis of peacocks|pussy-willow|a Maine Coon cat|shiitake soup|Moby Dick|\
        a bloody battlefield|a cocker spaniel|crackers on a plate|a garden hoe|a sextant|cumulus clouds|a shuttlecock|\
        teddy bears mixing sparkling chemicals, steampunk!|a gay wedding|a lesbian couple dancing|an old Jew in prayer|\
        the ugly duckling|HELLO WORLD|!!!!!|北京の猫|кот|\u{1F431}|a donkey, an ass|hell by Bosch|a heroine|Mick Jagger|\
        a mass of people|Emily Dickinson|sauerkraut|Montenegro|a hot dog|a killer whale|grapes|a black cat|titmouse|\
        chink in the armour|a bastard sword|naked mole rats|a mother breastfeeding|a dyke in Holland||\0|   ";
    for prompt in ordinary.split('|') {
        assert_eq!(filter.check(prompt), Verdict::Clean, "{prompt:?}");
    }
}

#[test]
fn unwanted_prompts_are_flagged_with_their_category() {
    let filter = PromptFilter::new();
    for prompt in ["hardcore porn", "p0rn", "a naked woman", "PORN", "a gay porn scene", "blue tits and porn"] {
        assert_eq!(filter.check(prompt).names(), ["sexual"], "{prompt:?}");
    }
    assert!(filter.check("kill yourself").names().contains(&"mean"));
    assert!(filter.check("faggot").names().contains(&"offensive"));
    assert!(!filter.check("f u c k you").is_clean());
}

#[test]
fn the_filter_is_quick_on_long_prompts() {
    let filter = PromptFilter::new();
    for unit in ["a", "blue tit ", "é", "\u{1F431}"] {
        assert!(filter.check(&unit.repeat((1 << 20) / unit.len())).is_clean());
    }
    assert!(!filter.check(&format!("{}porn", "a cat and ".repeat(100_000))).is_clean());
}

#[test]
fn a_face_is_found_at_any_size() {
    let photo = picture(FACE);
    for side in [96, 128, 256, 600, 1600] {
        let scaled = image::imageops::resize(&photo, side, side, image::imageops::FilterType::CatmullRom);
        let faces = detect(&scaled);
        assert_eq!(faces.len(), 1, "{side}: {faces:?}");
        let center = |start: u32, length: u32| f64::from(start + length / 2) / f64::from(side);
        let (x, y) = (center(faces[0].x, faces[0].width), center(faces[0].y, faces[0].height));
        assert!((0.4..0.6).contains(&x) && (0.3..0.6).contains(&y), "{side}: {faces:?}");
        assert!(faces[0].x + faces[0].width <= side && faces[0].y + faces[0].height <= side);
    }
}

#[test]
fn no_face_is_found_where_there_is_none() {
    assert!(detect(&picture(CAT)).is_empty());
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for (width, height) in [(128, 128), (512, 300)] {
        assert!(detect(&RgbImage::from_pixel(width, height, Rgb([200, 150, 120]))).is_empty());
        assert!(detect(&RgbImage::from_fn(width, height, |_, _| Rgb([noise(), noise(), noise()]))).is_empty());
        assert!(detect(&RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 0]))).is_empty());
    }
    for (width, height) in [(0, 0), (0, 9), (1, 1), (1, 5000), (5000, 1), (40, 1000)] {
        assert!(detect(&RgbImage::new(width, height)).is_empty());
    }
}

#[test]
fn a_blurred_face_is_none() {
    let mut photo = picture(FACE);
    let before = photo.clone();
    let faces = detect(&photo);
    blur_boxes(&mut photo, &faces);
    assert!(detect(&photo).is_empty());
    assert_eq!(photo.get_pixel(0, 0), before.get_pixel(0, 0));
    // Boxes beyond the picture are no matter.
    let beyond = FaceBox { x: 9999, y: u32::MAX, width: u32::MAX, height: 5, score: 3.0 };
    blur_boxes(&mut photo, &[beyond, FaceBox { x: 250, y: 250, width: 100, height: 100, score: 3.0 }]);
    blank(&mut photo);
    assert!(photo.pixels().all(|pixel| *pixel == Rgb([128; 3])));
}

#[test]
fn filters_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<FaceDetector>();
    shared::<PromptFilter>();
    shared::<crate::tokenizer::ClipTokenizer>();
}
