//! `SafetyFilter`: looks at the prompt and at the pictures before they leave.

use easel_engine::{Context, InputSpec, Inputs, Node, NodeError, NodeResult, NodeSpec, OutputSpec, Outputs, kinds};
use image::RgbImage;

use crate::kinds::{Image, kind};
use crate::safety::{FaceBox, FaceDetector, PromptFilter, Verdict, blank, blur_boxes};

/// Holds back pictures whose prompt asks for what must not be drawn, and says where faces are.
pub struct SafetyFilter;

const REPORT: &str = "report";
const BLUR: &str = "blur";
const BLANK: &str = "blank";

impl Node for SafetyFilter {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "SafetyFilter",
            "Checks prompts for words of abuse, sex and violence, and pictures for faces. The verdict is shown in the \
             run and written into the picture. It is a word filter and a face detector, no judge: it misses things.",
        )
        .input(InputSpec::new("image", kind::IMAGE, "the pictures"))
        .input(
            InputSpec::new("prompt", kinds::TEXT, "the prompt, or the list of them, that the pictures were drawn from")
                .or(kinds::TEXT_LIST)
                .default(String::new()),
        )
        .input(
            InputSpec::new("on_words", kinds::TEXT, "what happens to pictures of a flagged prompt")
                .choices(&[BLANK, BLUR, REPORT])
                .default(BLANK.to_string()),
        )
        .input(
            InputSpec::new("on_faces", kinds::TEXT, "what happens to faces")
                .choices(&[REPORT, BLUR, BLANK])
                .default(REPORT.to_string()),
        )
        .output(OutputSpec::new("image", kind::IMAGE, "the pictures, with what was flagged made unrecognisable"))
        .output(OutputSpec::new("verdict", kinds::TEXT, "one line for people"))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let image = inputs.get::<Image>("image")?;
        let mut pictures = image.to_rgb()?;
        let prompts = prompts(inputs)?;
        let words = Words { of_prompts: check(&prompts), action: inputs.get::<String>("on_words")? };
        let faces = Faces { in_pictures: find_faces(&pictures, context)?, action: inputs.get::<String>("on_faces")? };
        let mut changed = false;
        for (index, picture) in pictures.iter_mut().enumerate() {
            // Several pictures may belong to one prompt, in order.
            let prompt = index * prompts.len() / faces.in_pictures.len();
            changed |= words.hide(picture, prompt);
            changed |= faces.hide(picture, index);
        }
        let verdict = format!("{}; {}", words.verdict(), faces.verdict());
        context.note("verdict", verdict.clone());
        // Untouched pictures keep their full precision.
        let image = if changed { Image::from_rgb(&pictures)? } else { image.clone() };
        Ok(Outputs::one("image", image).with("verdict", verdict))
    }
}

fn prompts(inputs: &Inputs) -> Result<Vec<String>, NodeError> {
    Ok(inputs.texts("prompt")?.into_iter().map(String::from).collect())
}

fn check(prompts: &[String]) -> Vec<Verdict> {
    let filter = PromptFilter::new();
    prompts.iter().map(|prompt| filter.check(prompt)).collect()
}

fn find_faces(pictures: &[RgbImage], context: &Context<'_>) -> Result<Vec<Vec<FaceBox>>, NodeError> {
    let detector = FaceDetector::new()?;
    let mut found = Vec::with_capacity(pictures.len());
    for picture in pictures {
        context.check_cancelled()?;
        found.push(detector.detect(picture));
    }
    Ok(found)
}

/// What the prompts ask for, and what is done about it.
struct Words<'a> {
    of_prompts: Vec<Verdict>,
    action: &'a str,
}

impl Words<'_> {
    fn hide(&self, picture: &mut RgbImage, prompt: usize) -> bool {
        if self.of_prompts.get(prompt).is_none_or(Verdict::is_clean) {
            return false;
        }
        let (width, height) = picture.dimensions();
        hide(picture, &[FaceBox { x: 0, y: 0, width, height, score: 0.0 }], self.action)
    }

    fn verdict(&self) -> String {
        let mut names: Vec<_> = self.of_prompts.iter().flat_map(Verdict::names).collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [] => "prompt: nothing found".to_string(),
            _ => format!("prompt: {} ({})", names.join(", "), done(self.action)),
        }
    }
}

/// Where faces are, and what is done about them.
struct Faces<'a> {
    in_pictures: Vec<Vec<FaceBox>>,
    action: &'a str,
}

impl Faces<'_> {
    fn hide(&self, picture: &mut RgbImage, index: usize) -> bool {
        hide(picture, &self.in_pictures[index], self.action)
    }

    fn verdict(&self) -> String {
        match self.in_pictures.iter().map(Vec::len).sum() {
            0usize => "faces: none found".to_string(),
            count => format!("faces: {count} ({})", done(self.action)),
        }
    }
}

/// Whether the picture was changed.
fn hide(picture: &mut RgbImage, boxes: &[FaceBox], action: &str) -> bool {
    if boxes.is_empty() || action == REPORT {
        return false;
    }
    if action == BLANK {
        blank(picture);
    } else {
        blur_boxes(picture, boxes);
    }
    true
}

/// An action as what was done.
fn done(action: &str) -> &'static str {
    match action {
        BLANK => "picture blanked",
        BLUR => "blurred",
        _ => "reported only",
    }
}
