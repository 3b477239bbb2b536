//! Values of these kinds as bytes.

use bytes::Bytes;
use easel_engine::{DecodeError, Decoder, Encoder};
use easel_kernels::{DType, Tensor};

use crate::config::{CLIP_SAMPLE_RANGE, PredictionType, SchedulerConfig, TRAIN_TIMESTEPS, VarianceType};
use crate::kinds::{Image, ImageEmbedding, TextEncoding, Tokens};
use crate::sampling::Schedule;

/// No tensor has more dimensions than this.
const MAX_RANK: usize = 8;

/// dtype, sizes, numbers.
pub(crate) fn put_tensor(encoder: &mut Encoder<'_>, tensor: &Tensor) {
    let dtype = match tensor.dtype() {
        DType::F32 => 0,
        DType::F16 => 1,
        DType::BF16 => 2,
    };
    encoder.number(dtype);
    encoder.number(tensor.dims().len() as u64);
    tensor.dims().iter().for_each(|&size| encoder.number(size as u64));
    encoder.bytes(tensor.bytes().expect("what travels along a wire is on the host"));
}

/// What [`put_tensor`] wrote. The numbers are copied once.
pub(crate) fn take_tensor(decoder: &mut Decoder<'_>) -> Result<Tensor, DecodeError> {
    let dtype = match decoder.number()? {
        0 => DType::F32,
        1 => DType::F16,
        2 => DType::BF16,
        other => return Err(DecodeError::new(format!("there is no dtype {other}"))),
    };
    let rank = decoder.size()?;
    if rank > MAX_RANK {
        return Err(DecodeError::new(format!("a tensor of {rank} dimensions")));
    }
    let dims = (0..rank).map(|_| decoder.size()).collect::<Result<Vec<_>, _>>()?;
    // As many bytes as are there, whatever the sizes claim: those are held against them below.
    let bytes = decoder.bytes()?;
    let wrong = |error: easel_kernels::KernelError| DecodeError::new(error.to_string());
    match dtype {
        DType::F32 if bytes.len().is_multiple_of(4) => {
            let mut numbers = vec![0.0_f32; bytes.len() / 4];
            bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
            Tensor::from_f32(numbers, dims).map_err(wrong)
        }
        _ => Tensor::from_bytes(Bytes::copy_from_slice(bytes), dtype, dims).map_err(wrong),
    }
}

/// A tensor that something will be computed with: float32, and not empty (whose other sizes could be any).
fn take_floats(decoder: &mut Decoder<'_>) -> Result<Tensor, DecodeError> {
    let tensor = take_tensor(decoder)?;
    if tensor.dtype() == DType::F32 && tensor.byte_len() > 0 {
        return Ok(tensor);
    }
    Err(DecodeError::new(format!("{} {} where numbers of float32 are due", tensor.dtype(), tensor.shape())))
}

pub(crate) fn put_tokens(encoder: &mut Encoder<'_>, tokens: &Tokens) {
    encoder.number(tokens.batch as u64);
    encoder.number(tokens.length as u64);
    tokens.ids.iter().for_each(|id| encoder.raw(&id.to_le_bytes()));
    tokens.mask.iter().for_each(|&used| encoder.raw(&[u8::from(used)]));
}

pub(crate) fn take_tokens(decoder: &mut Decoder<'_>) -> Result<Tokens, DecodeError> {
    let (batch, length) = (decoder.size()?, decoder.size()?);
    // Five bytes for each: a lie about the sizes ends here, before memory is taken.
    let count = batch.checked_mul(length).filter(|count| count.checked_mul(5) == Some(decoder.remaining()));
    let count = count.filter(|&count| count > 0);
    let count = count.ok_or_else(|| DecodeError::new(format!("{batch} × {length} ids do not fill the rest")))?;
    let ids = decoder.raw(count * 4)?.as_chunks::<4>().0.iter().map(|&id| u32::from_le_bytes(id)).collect();
    let mask = decoder.raw(count)?.iter().map(|&used| flag(u64::from(used))).collect::<Result<_, _>>()?;
    Ok(Tokens { ids, mask, batch, length })
}

pub(crate) fn put_text_encoding(encoder: &mut Encoder<'_>, encoding: &TextEncoding) {
    for tensor in [&encoding.text_embeds, &encoding.hidden_states, &encoding.key_bias] {
        put_tensor(encoder, tensor);
    }
}

pub(crate) fn take_text_encoding(decoder: &mut Decoder<'_>) -> Result<TextEncoding, DecodeError> {
    let (text_embeds, hidden_states) = (take_floats(decoder)?, take_floats(decoder)?);
    let key_bias = take_floats(decoder)?;
    match (text_embeds.dims(), hidden_states.dims(), key_bias.dims()) {
        (&[texts, _], &[texts_too, tokens, _], &[texts_again, tokens_too])
            if texts == texts_too && texts == texts_again && tokens == tokens_too =>
        {
            Ok(TextEncoding { text_embeds, hidden_states, key_bias })
        }
        (embeds, states, bias) => {
            Err(DecodeError::new(format!("tensors of shapes {embeds:?}, {states:?} and {bias:?} are no text encoding")))
        }
    }
}

pub(crate) fn take_image(decoder: &mut Decoder<'_>) -> Result<Image, DecodeError> {
    Image::new(take_floats(decoder)?).map_err(|error| DecodeError::new(error.to_string()))
}

pub(crate) fn take_image_embedding(decoder: &mut Decoder<'_>) -> Result<ImageEmbedding, DecodeError> {
    let tensor = take_floats(decoder)?;
    match tensor.dims() {
        [_, _] => Ok(ImageEmbedding(tensor)),
        _ => Err(DecodeError::new(format!("a tensor of shape {} holds no embeddings", tensor.shape()))),
    }
}

/// A yes or no, in the one way in which it is written.
fn flag(number: u64) -> Result<bool, DecodeError> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(DecodeError::new(format!("{other} is neither yes nor no"))),
    }
}

/// The configuration and the number of steps: the tables follow from them.
pub(crate) fn put_schedule(encoder: &mut Encoder<'_>, schedule: &Schedule) {
    let config = schedule.config();
    encoder.number(config.num_train_timesteps as u64);
    encoder.number(match config.variance_type {
        VarianceType::FixedSmallLog => 0,
        VarianceType::LearnedRange => 1,
    });
    encoder.number(match config.prediction_type {
        PredictionType::Epsilon => 0,
        PredictionType::Sample => 1,
    });
    encoder.number(u64::from(config.clip_sample));
    encoder.f64(config.clip_sample_range);
    encoder.number(schedule.timesteps().len() as u64);
}

pub(crate) fn take_schedule(decoder: &mut Decoder<'_>) -> Result<Schedule, DecodeError> {
    let unknown = |what: &str| DecodeError::new(format!("a schedule with an unknown {what}"));
    let num_train_timesteps = decoder.size()?;
    // The tables are as long as it says.
    if !TRAIN_TIMESTEPS.contains(&num_train_timesteps) {
        return Err(unknown("number of timesteps"));
    }
    let config = SchedulerConfig {
        num_train_timesteps,
        variance_type: match decoder.number()? {
            0 => VarianceType::FixedSmallLog,
            1 => VarianceType::LearnedRange,
            _ => return Err(unknown("variance type")),
        },
        prediction_type: match decoder.number()? {
            0 => PredictionType::Epsilon,
            1 => PredictionType::Sample,
            _ => return Err(unknown("prediction type")),
        },
        clip_sample: flag(decoder.number()?)?,
        clip_sample_range: decoder.f64()?,
    };
    if !CLIP_SAMPLE_RANGE.contains(&config.clip_sample_range) {
        return Err(unknown("range to clip to"));
    }
    Schedule::new(config, decoder.size()?).map_err(|error| DecodeError::new(error.to_string()))
}
