//! Throughput of the operations that a sampling step spends its time in.
//!
//! `cargo bench -p easel-kernels -- linear` runs some of them. "elem/s" of products and of attention are floating-point
//! operations, two for each multiply-add, so Gelem/s reads as GFLOP/s.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use easel_kernels::ops::{
    Activation, AttentionMask, Conv2d, Epilogue, GroupNorm, PackedFilter, PackedMatrix, attention, conv2d, group_norm,
    linear, silu,
};
use easel_kernels::{Device, Placement, Precision, Tensor, random};

fn noise<const N: usize>(shape: [usize; N]) -> Tensor {
    random::normal(shape, 1, 0, 0).expect("the shapes of benchmarks fit in memory")
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group
}

/// The precisions that the CPU multiplies in, with the names of their groups.
fn precisions(op: &str) -> [(String, Placement); 2] {
    [(op.to_owned(), Precision::Float32), (format!("{op} in bfloat16"), Precision::BFloat16)]
        .map(|(name, precision)| (name, Placement::new(Device::Cpu, precision).expect("the CPU has both")))
}

fn products(criterion: &mut Criterion) {
    for (name, place) in precisions("linear") {
        products_at(&mut group(criterion, &name), place);
    }
}

fn products_at(group: &mut BenchmarkGroup<'_, WallTime>, place: Placement) {
    for [rows, depth, columns] in [[1024, 1024, 1024], [162, 2048, 2048], [1, 2048, 2048], [2, 2048, 8192]] {
        let x = noise([rows, depth]);
        let weight = PackedMatrix::new(&noise([columns, depth]), place).expect("a matrix");
        group.throughput(Throughput::Elements((2 * rows * depth * columns) as u64));
        group.bench_function(format!("{rows}x{depth}x{columns}"), |b| {
            b.iter(|| linear(&x, &weight, Epilogue::default()).expect("shapes that fit"));
        });
    }
}

fn convolutions(criterion: &mut Criterion) {
    for (name, place) in precisions("conv2d") {
        convolutions_at(&mut group(criterion, &name), place);
    }
}

fn convolutions_at(group: &mut BenchmarkGroup<'_, WallTime>, place: Placement) {
    let cases =
        [(64, 320, 320, 3), (8, 1280, 1280, 3), (64, 320, 320, 1), (24, 48, 48, 3), (64, 3, 320, 3), (64, 320, 3, 3)];
    for (size, from, to, kernel) in cases {
        let x = noise([1, size, size, from]);
        let filter = PackedFilter::new(&noise([to, from, kernel, kernel]), place).expect("a filter");
        let geometry = Conv2d { stride: 1, padding: kernel / 2 };
        group.throughput(Throughput::Elements((2 * size * size * kernel * kernel * from * to) as u64));
        group.bench_function(format!("{size}²x{from}→{to}, {kernel}x{kernel}"), |b| {
            b.iter(|| conv2d(&[&x], &filter, geometry, Epilogue::default()).expect("shapes that fit"));
        });
    }
}

fn attentions(criterion: &mut Criterion) {
    let mut group = group(criterion, "attention");
    for (tokens, heads, head_dim) in [(1024, 8, 64), (64, 16, 64), (144, 2, 32)] {
        let [q, k, v] = [(); 3].map(|()| noise([1, tokens, heads * head_dim]));
        group.throughput(Throughput::Elements((4 * tokens * tokens * heads * head_dim) as u64));
        group.bench_function(format!("{tokens}x{heads}x{head_dim}"), |b| {
            b.iter(|| attention(&q, &k, &v, heads, None, AttentionMask::default()).expect("shapes that fit"));
        });
    }
}

fn elementwise(criterion: &mut Criterion) {
    let mut group = group(criterion, "elementwise");
    for (size, channels) in [(64, 320), (24, 48)] {
        let x = noise([1, size, size, channels]);
        let (weight, bias) = (noise([channels]), noise([channels]));
        let norm = GroupNorm {
            groups: 16,
            eps: 1e-5,
            weight: &weight,
            bias: &bias,
            scale_shift: None,
            activation: Activation::Silu,
        };
        group.throughput(Throughput::Elements(x.shape().len() as u64));
        group.bench_function(format!("group_norm {size}²x{channels}"), |b| {
            b.iter(|| group_norm(&[&x], norm).expect("shapes that fit"));
        });
        group.bench_function(format!("silu {size}²x{channels}"), |b| {
            b.iter(|| silu(&x).expect("shapes that fit"));
        });
    }
    group.throughput(Throughput::Elements(64 * 64 * 320));
    group.bench_function("random::normal 64²x320", |b| b.iter(|| noise([1, 64, 64, 320])));
}

criterion_group!(benches, products, convolutions, attentions, elementwise);
criterion_main!(benches);
