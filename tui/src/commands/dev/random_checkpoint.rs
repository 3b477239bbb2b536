//! `easel dev random-checkpoint`: a checkpoint of random numbers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use easel_kernels::DType;
use easel_nodes::checkpoint;

use crate::commands::models::{download_bar, with_hint};
use crate::error::{CommandError, Exit};
use crate::terminal::{self, Output};

/// Write a checkpoint of random numbers for a given configuration
///
/// The checkpoint has the layout, shapes and size of a real one, so that memory and speed can be tried without the
/// real weights. What it draws is noise. Every folder with a config.json in CONFIG_FOLDER becomes a part; other
/// files (schedulers, tokenizer) are copied.
///
/// Example: easel dev random-checkpoint karlo-config /tmp/karlo --dtype f16
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder with the configuration: one folder per part, each with a config.json
    config_folder: PathBuf,

    /// Folder to write the checkpoint to; made if it is not there
    out_folder: PathBuf,

    /// Number format of the weights
    #[arg(long, value_enum, default_value_t = Format::F32)]
    dtype: Format,

    /// The same seed gives the same numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    F32,
    F16,
    Bf16,
}

impl From<Format> for DType {
    fn from(format: Format) -> DType {
        match format {
            Format::F32 => DType::F32,
            Format::F16 => DType::F16,
            Format::Bf16 => DType::BF16,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let (from, to) = (&arguments.config_folder, &arguments.out_folder);
    if !from.is_dir() {
        return Err(CommandError::wrong(format!("`{}` is no folder", from.display()))
            .with_hint("name a folder that holds one folder per part, each with a config.json"));
    }
    // Copying a file onto itself empties it.
    let same = from.canonicalize().ok().is_some_and(|from| to.canonicalize().is_ok_and(|to| from == to));
    if same {
        return Err(CommandError::wrong("the checkpoint cannot be written into the folder that it is configured by")
            .with_hint("name another OUT_FOLDER"));
    }
    let bar = download_bar();
    let mut part = String::new();
    let mut news = |name: &str, done: u64, total: u64| {
        if part != name {
            part = name.to_string();
            bar.set_prefix(part.clone());
            bar.set_length(total);
            if bar.is_hidden() {
                terminal::note(format_args!("{name} ({})", terminal::bytes(total)));
            }
        }
        bar.set_position(done);
    };
    let written = checkpoint::write_random(from, to, arguments.dtype.into(), arguments.seed, &mut news);
    bar.finish_and_clear();
    written.map_err(|error| with_hint(CommandError::failed(error.to_string()), &error))?;
    Output::default().path(to.as_os_str())?;
    Ok(Exit::Done)
}
