//! Random checkpoints: a model's size and speed without its weights.

use std::fs;
use std::io::Write;
use std::path::Path;

use easel_kernels::DType;

use crate::config::{ClipTextConfig, ClipVisionConfig, PriorConfig, SrvggConfig, TextProjConfig, UNetConfig};
use crate::error::{Error, Result};
use crate::models::clip::{ClipText, ClipVision};
use crate::models::prior::Prior;
use crate::models::srvgg::SrvggNetCompact;
use crate::models::text_proj::TextProj;
use crate::models::unet::UNet;
use crate::weights::{TensorSpec, WeightsReader, record, write_random_part};
use crate::whole_file::{io_error, write_whole_file};

/// A part of a model that has weights.
struct PartWithWeights {
    name: &'static str,
    weights_file: &'static str,
    tensors: fn(&[u8], &str) -> Result<Vec<TensorSpec>>,
}

const TRANSFORMERS_FILE: &str = "model.safetensors";
const DIFFUSERS_FILE: &str = "diffusion_pytorch_model.safetensors";

const PARTS: &[PartWithWeights] = &[
    PartWithWeights {
        name: "text_encoder",
        weights_file: TRANSFORMERS_FILE,
        tensors: |json, file| Ok(of(&ClipTextConfig::parse(json, file)?, ClipText::new)),
    },
    PartWithWeights {
        name: "image_encoder",
        weights_file: TRANSFORMERS_FILE,
        tensors: |json, file| Ok(of(&ClipVisionConfig::parse(json, file)?, ClipVision::new)),
    },
    PartWithWeights {
        name: "prior",
        weights_file: DIFFUSERS_FILE,
        tensors: |json, file| Ok(of(&PriorConfig::parse(json, file)?, Prior::new)),
    },
    PartWithWeights {
        name: "text_proj",
        weights_file: DIFFUSERS_FILE,
        tensors: |json, file| Ok(of(&TextProjConfig::parse(json, file)?, TextProj::new)),
    },
    PartWithWeights { name: "decoder", weights_file: DIFFUSERS_FILE, tensors: unet_tensors },
    PartWithWeights { name: "super_res_first", weights_file: DIFFUSERS_FILE, tensors: unet_tensors },
    PartWithWeights { name: "super_res_last", weights_file: DIFFUSERS_FILE, tensors: unet_tensors },
    PartWithWeights {
        name: "upscaler",
        weights_file: DIFFUSERS_FILE,
        tensors: |json, file| Ok(of(&SrvggConfig::parse(json, file)?, SrvggNetCompact::new)),
    },
];

fn unet_tensors(json: &[u8], file: &str) -> Result<Vec<TensorSpec>> {
    Ok(of(&UNetConfig::parse(json, file)?, UNet::new))
}

/// The tensors that a model takes: its own constructor asks for them.
fn of<C, M>(config: &C, build: impl FnOnce(&WeightsReader, &C) -> M) -> Vec<TensorSpec> {
    record(|weights| {
        build(weights, config);
    })
}

/// Told of every piece written: the part, its bytes so far, its bytes in all.
pub type OnProgress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Writes a checkpoint of random weights for every part that `config_folder` configures into `out_folder`; other files
/// (schedulers, tokenizer) are copied. Prints nothing; the weights are drawn from `seed`.
///
/// # Errors
/// A folder without any part, a configuration that is not supported, or a disk that is full.
pub fn write_random(
    config_folder: &Path,
    out_folder: &Path,
    dtype: DType,
    seed: u64,
    on_progress: OnProgress<'_>,
) -> Result<()> {
    let parts: Vec<_> =
        PARTS.iter().filter(|part| config_folder.join(part.name).join("config.json").is_file()).collect();
    if parts.is_empty() {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        return Err(Error::invalid(format!("{} has no part with a config.json", config_folder.display()))
            .with_hint(format!("a part is a folder named {}", names.join(", "))));
    }
    copy_configuration(config_folder, out_folder)?;
    for part in parts {
        let file = config_folder.join(part.name).join("config.json");
        let json = fs::read(&file).map_err(|source| io_error("cannot read", &file, source))?;
        let tensors = (part.tensors)(&json, &file.display().to_string())?;
        let path = out_folder.join(part.name).join(part.weights_file);
        write_random_part(&path, &tensors, dtype, seed, &mut |done, total| on_progress(part.name, done, total))?;
    }
    Ok(())
}

/// Copies everything but weights.
fn copy_configuration(from: &Path, to: &Path) -> Result<()> {
    let cannot_read = |source| io_error("cannot read", from, source);
    for entry in fs::read_dir(from).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_configuration(&source, &target)?;
        } else if matches!(source.extension().and_then(|e| e.to_str()), Some("json" | "txt")) {
            let content = fs::read(&source).map_err(|error| io_error("cannot read", &source, error))?;
            write_whole_file(&target, |file| file.write_all(&content))?;
        }
    }
    Ok(())
}
