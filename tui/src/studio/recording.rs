//! A run written down with its times and pictures, so that it can be shown again where nothing is computed.
//!
//! JSON lines: the first is the [`Head`], each of the others a [`Moment`] with the milliseconds since the beginning.

use std::io::{self, BufRead, Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use easel_engine::{Event, Outcome};
use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::model::Picture;

/// The version of the format.
const VERSION: u32 = 1;

/// What comes with Easel, for `easel tui --demo`. `easel dev record` made it; see tui/screenshots/README.md.
const BUILT_IN: &str = include_str!("demo.jsonl");

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The version of the format.
    recording: u32,
    /// The file name of the workflow.
    pub(crate) name: String,
    /// Its text.
    pub(crate) workflow: Arc<str>,
    /// How many times slower it is shown than it was.
    pub(crate) slower: u32,
}

impl Head {
    /// A workflow that is shown so many times slower than it ran.
    pub(crate) fn new(name: String, workflow: Arc<str>, slower: u32) -> Self {
        Head { recording: VERSION, name, workflow, slower: slower.max(1) }
    }
}

/// Something that happened in the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "moment", rename_all = "snake_case")]
pub(crate) enum Moment {
    /// It began with these nodes.
    Begins {
        /// They.
        nodes: Vec<Arc<str>>,
    },
    /// An event that is no preview.
    Told {
        /// It.
        told: Event,
    },
    /// A node had a picture.
    Preview {
        /// The node.
        node: Arc<str>,
        /// What it showed.
        #[serde(serialize_with = "to_png", deserialize_with = "of_png")]
        picture: Picture,
    },
    /// A picture was written.
    Wrote {
        /// Where.
        path: PathBuf,
        /// What is in it.
        #[serde(serialize_with = "to_png", deserialize_with = "of_png")]
        picture: Picture,
    },
    /// It was over.
    Ended {
        /// How.
        outcome: Outcome,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: u64,
    #[serde(flatten)]
    moment: Moment,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recording {
    /// What was run.
    pub(crate) head: Head,
    /// What happened, and when since the beginning.
    pub(crate) moments: Vec<(Duration, Moment)>,
}

impl Recording {
    /// The one that comes with Easel.
    ///
    /// # Errors
    ///
    /// None: a test reads it.
    pub(crate) fn built_in() -> io::Result<Self> {
        Recording::read(BUILT_IN.as_bytes())
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no recording of this version: which line it is, and why.
    pub(crate) fn read(from: impl BufRead) -> io::Result<Self> {
        let mut lines = from.lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let head: Head = parsed(1, &first)?;
        if head.recording != VERSION {
            return Err(wrong(1, format!("it has version {}, and this is version {VERSION}", head.recording)));
        }
        let moments = lines.enumerate().map(|(index, line)| {
            let Line { at, moment } = parsed(index + 2, &line?)?;
            Ok((Duration::from_millis(at), moment))
        });
        Ok(Recording { head, moments: moments.collect::<io::Result<_>>()? })
    }
}

fn parsed<'a, T: Deserialize<'a>>(line: usize, text: &'a str) -> io::Result<T> {
    serde_json::from_str(text).map_err(|error| wrong(line, error.to_string()))
}

fn wrong(line: usize, why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is none of a recording: {why}"))
}

/// Writes a recording while the run goes on.
pub(crate) struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Begins with the head.
    pub(crate) fn new(mut to: W, head: &Head) -> io::Result<Self> {
        write_line(&mut to, head)?;
        Ok(Writer { to })
    }

    /// Something happened.
    pub(crate) fn add(&mut self, at: Duration, moment: Moment) -> io::Result<()> {
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        write_line(&mut self.to, &Line { at, moment })
    }

    /// What was written into.
    pub(crate) fn into_inner(self) -> W {
        self.to
    }
}

fn write_line(to: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    to.write_all(text.as_bytes())
}

fn to_png<S: Serializer>(picture: &Picture, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::Error;

    let side = |pixels: usize| u32::try_from(pixels).map_err(S::Error::custom);
    let bytes = picture.pixels.iter().flatten().copied().collect();
    let image = RgbImage::from_raw(side(picture.width)?, side(picture.height())?, bytes);
    let image = image.ok_or_else(|| S::Error::custom("a picture without whole rows"))?;
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).map_err(S::Error::custom)?;
    serializer.serialize_str(&BASE64_STANDARD.encode(png.into_inner()))
}

fn of_png<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Picture, D::Error> {
    use serde::de::Error;

    let text = String::deserialize(deserializer)?;
    let png = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
    let image = image::load_from_memory_with_format(&png, ImageFormat::Png).map_err(D::Error::custom)?.into_rgb8();
    let width = usize::try_from(image.width()).map_err(D::Error::custom)?;
    Ok(Picture { width, pixels: image.pixels().map(|pixel| pixel.0).collect() })
}

#[cfg(test)]
mod tests {
    use easel_engine::RunId;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let head = Head::new("a.ron".into(), "Workflow()".into(), 12);
        let picture = Picture { width: 2, pixels: [[1, 2, 3], [4, 5, 6], [7, 8, 9], [250, 251, 252]].into() };
        let node: Arc<str> = "decoder".into();
        let moments = vec![
            (Duration::ZERO, Moment::Begins { nodes: vec![Arc::clone(&node)] }),
            (
                Duration::from_millis(5),
                Moment::Told {
                    told: Event::NodeProgress { run: RunId(3), node: Arc::clone(&node), step: 1, steps: 25 },
                },
            ),
            (Duration::from_millis(7), Moment::Preview { node, picture: picture.clone() }),
            (Duration::from_millis(9), Moment::Wrote { path: "a.png".into(), picture }),
            (Duration::from_secs(1), Moment::Ended { outcome: Outcome::Completed }),
        ];
        let mut text = Vec::new();
        let mut writer = Writer::new(&mut text, &head).expect("memory can be written");
        for (at, moment) in moments.clone() {
            writer.add(at, moment).expect("memory can be written");
        }
        assert_eq!(Recording::read(&text[..]).expect("it was just written"), Recording { head, moments });
    }

    #[test]
    fn what_is_no_recording_is_refused_by_its_line() {
        let refused = |text: &str| Recording::read(text.as_bytes()).expect_err("it is none").to_string();
        assert!(refused("").starts_with("line 1 is none of a recording"));
        let head = r#"{"recording":1,"name":"a","workflow":"","slower":1}"#;
        assert!(refused(&head.replace(":1,\"n", ":2,\"n")).contains("version 2"));
        assert!(refused(&format!("{head}\n{{\"at\":1,\"moment\":\"dance\"}}")).starts_with("line 2"));
        let torn = format!("{head}\n{{\"at\":1,\"moment\":\"preview\",\"node\":\"a\",\"picture\":\"AAAA\"}}");
        assert!(refused(&torn).starts_with("line 2"));
        let preview = r#"{"event":"node_preview","run":1,"node":"a","value":"x"}"#;
        assert!(refused(&format!("{head}\n{{\"at\":1,\"moment\":\"told\",\"told\":{preview}}}")).starts_with("line 2"));
    }

    #[test]
    fn the_one_that_is_built_in_is_a_whole_run() {
        let Recording { head, moments } = Recording::built_in().expect("it can be read");
        assert!(head.slower >= 1 && head.workflow.contains("Workflow("));
        assert!(matches!(&moments[0].1, Moment::Begins { nodes } if !nodes.is_empty()));
        assert!(matches!(moments[moments.len() - 1].1, Moment::Ended { outcome: Outcome::Completed }));
        assert!(moments.is_sorted_by_key(|(at, _)| *at), "time goes on");
        let pictures = moments.iter().filter(|(_, moment)| matches!(moment, Moment::Preview { .. })).count();
        let written = moments.iter().filter(|(_, moment)| matches!(moment, Moment::Wrote { .. })).count();
        assert!(pictures > 0 && written > 0, "{pictures} previews, {written} files");
    }
}
