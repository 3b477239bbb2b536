//! Which instruction set the loops run on.

use pulp::{Scalar, Simd, WithSimd};

#[cfg(test)]
thread_local! {
    /// What [`Isa::force`] asked for.
    static FORCED: std::cell::Cell<Option<Isa>> = const { std::cell::Cell::new(None) };
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isa {
    /// 512-bit vectors, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    /// 256-bit vectors, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// 128-bit vectors, 32 registers.
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    /// One number at a time.
    Portable,
}

impl Isa {
    /// The best one.
    pub(crate) fn detect() -> Self {
        #[cfg(test)]
        if let Some(isa) = FORCED.get() {
            return isa;
        }
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V4::try_new() {
                return Isa::Avx512(simd);
            }
            if let Some(simd) = pulp::x86::V3::try_new() {
                return Isa::Avx2(simd);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(simd) = pulp::aarch64::Neon::try_new() {
            return Isa::Neon(simd);
        }
        Isa::Portable
    }

    /// Runs `test` with ops that find this to be the best one. Ops look before they hand work to other threads, so the
    /// calling thread's word is enough.
    #[cfg(test)]
    pub(crate) fn force<T>(self, test: impl FnOnce() -> T) -> T {
        let before = FORCED.replace(Some(self));
        let result = test();
        FORCED.set(before);
        result
    }

    /// All of them, for tests.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let mut all = vec![Isa::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Isa::Avx2));
            all.extend(pulp::x86::V4::try_new().map(Isa::Avx512));
        }
        #[cfg(target_arch = "aarch64")]
        all.extend(pulp::aarch64::Neon::try_new().map(Isa::Neon));
        all
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => "avx512f",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => "avx2+fma",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => "neon",
            Isa::Portable => "portable",
        }
    }

    /// `f32`s in a vector.
    pub(crate) const fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => pulp::x86::V4::F32_LANES,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => pulp::x86::V3::F32_LANES,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => pulp::aarch64::Neon::F32_LANES,
            Isa::Portable => Scalar::F32_LANES,
        }
    }

    /// Runs `op` compiled for this instruction set.
    pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(simd) => Simd::vectorize(simd, op),
            Isa::Portable => Simd::vectorize(Scalar::new(), op),
        }
    }
}

/// The first vector of `values`; what is missing of it is zero.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0.first() {
        Some(&vector) => vector,
        None => simd.partial_load_f32s(values),
    }
}

/// Overwrites the first vector of `values`, or what there is of it.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0.first_mut() {
        Some(to) => *to = vector,
        None => simd.partial_store_f32s(values, vector),
    }
}
