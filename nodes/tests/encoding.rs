//! Values as bytes: what goes in comes out, and bytes that nobody wrote do no harm.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use easel_engine::{Kind, Registry, Value};
use easel_kernels::{DType, Tensor};
use easel_nodes::config::{PredictionType, SchedulerConfig, VarianceType};
use easel_nodes::kinds::{Image, ImageEmbedding, TensorValue, TextEncoding, Tokens, kind};
use easel_nodes::sampling::Schedule;
use proptest::prelude::*;

/// Counts what each thread has allocated.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; counting touches thread-local cells only, which need no
// allocation themselves.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.get().saturating_add(layout.size());
        NOW.set(now);
        PEAK.set(PEAK.get().max(now));
        // SAFETY: the caller keeps to the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.set(NOW.get().saturating_sub(layout.size()));
        // SAFETY: the caller keeps to the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KINDS: [Kind; 6] =
    [kind::TOKENS, kind::TEXT_ENCODING, kind::IMAGE_EMBEDDING, kind::IMAGE, kind::SCHEDULE, kind::TENSOR];

/// The tables of the longest schedule that any configuration may ask for: a few numbers for each timestep.
const LONGEST_SCHEDULE: usize = 100_000 * 32;

fn registry() -> Registry {
    easel_nodes::registry().unwrap()
}

/// Decodes, and sees to it that this takes no more memory than there are bytes, a few times over.
fn decode(registry: &Registry, kind: Kind, bytes: &[u8]) -> Option<Value> {
    let before = NOW.get();
    PEAK.set(before);
    let value = registry.decode(kind, bytes).ok();
    let allowed = 3 * bytes.len() + 4096 + if kind == kind::SCHEDULE { LONGEST_SCHEDULE } else { 0 };
    let taken = PEAK.get() - before;
    assert!(taken <= allowed, "{taken} bytes of memory for {} bytes of {kind}", bytes.len());
    value
}

fn floats(shape: Vec<usize>) -> impl Strategy<Value = Tensor> {
    // Any bits: infinities and NaNs are numbers of a tensor too.
    proptest::collection::vec(any::<u32>(), shape.iter().product::<usize>())
        .prop_map(move |bits| Tensor::from_f32(bits.into_iter().map(f32::from_bits).collect(), shape.clone()).unwrap())
}

fn tensor() -> impl Strategy<Value = Value> {
    let dtype = prop_oneof![Just(DType::F32), Just(DType::F16), Just(DType::BF16)];
    let shape = proptest::collection::vec(0usize..5, 0..5);
    (dtype, shape.prop_flat_map(floats))
        .prop_map(|(dtype, tensor)| Value::new(TensorValue(tensor.to_dtype(dtype).unwrap())))
}

fn tokens() -> impl Strategy<Value = Value> {
    (1usize..4, 1usize..9).prop_flat_map(|(batch, length)| {
        let count = batch * length;
        (proptest::collection::vec(any::<u32>(), count), proptest::collection::vec(any::<bool>(), count))
            .prop_map(move |(ids, mask)| Value::new(Tokens { ids, mask, batch, length }))
    })
}

fn encoding() -> impl Strategy<Value = Value> {
    (1usize..4, 1usize..6, 1usize..6).prop_flat_map(|(texts, tokens, width)| {
        (floats(vec![texts, width]), floats(vec![texts, tokens, width]), floats(vec![texts, tokens])).prop_map(
            |(text_embeds, hidden_states, key_bias)| Value::new(TextEncoding { text_embeds, hidden_states, key_bias }),
        )
    })
}

fn schedule() -> impl Strategy<Value = Value> {
    let variance = prop_oneof![Just(VarianceType::FixedSmallLog), Just(VarianceType::LearnedRange)];
    let prediction = prop_oneof![Just(PredictionType::Epsilon), Just(PredictionType::Sample)];
    (2usize..1000, 0.0..1.0, variance, prediction, any::<bool>(), 0.1..10.0).prop_map(
        |(num_train_timesteps, share, variance_type, prediction_type, clip_sample, clip_sample_range)| {
            let config =
                SchedulerConfig { num_train_timesteps, variance_type, prediction_type, clip_sample, clip_sample_range };
            let steps = 2 + (share * (num_train_timesteps - 2) as f64) as usize;
            Value::new(Schedule::new(config, steps).unwrap())
        },
    )
}

fn value() -> impl Strategy<Value = Value> {
    let image = (1usize..4, 1usize..6, 1usize..6)
        .prop_flat_map(|(batch, height, width)| floats(vec![batch, height, width, 3]))
        .prop_map(|tensor| Value::new(Image::new(tensor).unwrap()));
    let embedding = (1usize..4, 1usize..9)
        .prop_flat_map(|(batch, width)| floats(vec![batch, width]))
        .prop_map(|tensor| Value::new(ImageEmbedding(tensor)));
    prop_oneof![tensor(), tokens(), encoding(), schedule(), image, embedding]
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_was(value in value()) {
        let bytes = value.encode();
        let back = decode(&registry(), value.kind(), &bytes).expect("its own bytes");
        prop_assert_eq!(back.kind(), value.kind());
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(back.fingerprint(), value.fingerprint());
    }

    #[test]
    fn garbage_is_refused_or_means_one_thing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for kind in KINDS {
            if let Some(value) = decode(&registry(), kind, &bytes) {
                prop_assert_eq!(value.encode(), bytes.clone());
            }
        }
    }

    #[test]
    fn damage_is_refused_or_means_one_thing(
        value in value(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let bytes = value.encode();
        let mut damaged = bytes.clone();
        damaged[place.index(bytes.len())] = byte;
        let cut = &bytes[..length.index(bytes.len())];
        for kind in KINDS {
            for bytes in [&damaged[..], cut] {
                if let Some(value) = decode(&registry(), kind, bytes) {
                    prop_assert_eq!(&value.encode()[..], bytes);
                    // Looking at it does no harm either.
                    prop_assert!(!value.summary().is_empty());
                }
            }
        }
    }

    #[test]
    fn sizes_that_lie_are_refused(kind in prop::sample::select(&KINDS[..]), sizes in proptest::collection::vec(
        prop_oneof![0u64..5, Just(u64::MAX), Just(1 << 62), Just(1 << 32), Just(u64::MAX / 4 + 2)], 0..12)
    ) {
        let bytes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        if let Some(value) = decode(&registry(), kind, &bytes) {
            prop_assert_eq!(value.encode(), bytes);
        }
    }
}

#[test]
fn a_large_tensor_is_copied_once() {
    let tensor = Tensor::zeros([256, 1024]).unwrap();
    let size = tensor.byte_len();
    let bytes = Value::new(TensorValue(tensor)).encode();
    let registry = registry();
    let before = NOW.get();
    PEAK.set(before);
    let value = registry.decode(kind::TENSOR, &bytes).unwrap();
    assert_eq!(value.size(), size);
    assert!(PEAK.get() - before < size + 4096, "{} bytes for {size}", PEAK.get() - before);
}

/// `workflows/plugins/README.md` tells authors of plugins what lies where: what is said there is tried here.
#[test]
fn kinds_lie_in_bytes_as_authors_of_plugins_are_told() {
    let number = |number: u64| number.to_le_bytes().to_vec();
    let floats = |floats: &[f32]| floats.iter().flat_map(|float| float.to_le_bytes()).collect::<Vec<_>>();
    let tensor = |sizes: &[u64], values: &[f32]| {
        let sizes: Vec<_> = sizes.iter().copied().flat_map(number).collect();
        [number(0), number(sizes.len() as u64 / 8), sizes, number(values.len() as u64 * 4), floats(values)].concat()
    };
    let of = |sizes: &[usize], values: &[f32]| Tensor::from_f32(values.to_vec(), sizes.to_vec()).unwrap();
    let pixel = [-1.0, 0.0, 1.0];
    assert_eq!(Value::new(Image::new(of(&[1, 1, 1, 3], &pixel)).unwrap()).encode(), tensor(&[1, 1, 1, 3], &pixel));
    let embedding = [0.5, -2.0];
    assert_eq!(Value::new(ImageEmbedding(of(&[1, 2], &embedding))).encode(), tensor(&[1, 2], &embedding));
    assert_eq!(Value::new(TensorValue(of(&[2], &embedding))).encode(), tensor(&[2], &embedding));
    let half = Tensor::from_bytes(bytes::Bytes::from_static(b"\x00\x3c"), DType::F16, [1]).unwrap();
    let expected = [number(1), number(1), number(1), number(2), vec![0, 0x3c]].concat();
    assert_eq!(Value::new(TensorValue(half)).encode(), expected);
    let encoding = TextEncoding {
        text_embeds: of(&[1, 1], &[1.0]),
        hidden_states: of(&[1, 1, 2], &[2.0, 3.0]),
        key_bias: of(&[1, 1], &[0.0]),
    };
    let expected = [tensor(&[1, 1], &[1.0]), tensor(&[1, 1, 2], &[2.0, 3.0]), tensor(&[1, 1], &[0.0])].concat();
    assert_eq!(Value::new(encoding).encode(), expected);
    let tokens = Tokens { ids: vec![7, 0x0102], mask: vec![true, false], batch: 1, length: 2 };
    let expected = [number(1), number(2), vec![7, 0, 0, 0, 2, 1, 0, 0], vec![1, 0]].concat();
    assert_eq!(Value::new(tokens).encode(), expected);
}
