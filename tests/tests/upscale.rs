//! The embedded model that makes pictures larger, against PyTorch's float64, on every device and in every precision.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use easel_kernels::Precision;
use easel_nodes::config::SrvggConfig;
use easel_nodes::models::srvgg::SrvggNetCompact;
use easel_nodes::parts;
use easel_nodes::weights::ModelFolder;
use easel_tests::devices::each_place;
use easel_tests::short::ShortRun;

#[test]
fn upscaled_pictures_are_as_exact_as_the_reference() {
    let recorded = ShortRun::of_upscaler();
    let folder = ModelFolder::open("builtin:realesr-animevideov3-x4", Path::new(".")).unwrap();
    let config = parts::config(&folder, "upscaler", SrvggConfig::parse).unwrap();
    each_place(|place| {
        let weights = folder.weights("upscaler").unwrap();
        let model = weights.load_at(place, |weights| SrvggNetCompact::new(weights, &config)).unwrap().model;
        // A pixel is too little for an average over roundings, which half precision is judged by.
        let pixel = (place.precision == Precision::Float32).then_some("pixel");
        for name in pixel.into_iter().chain(["noise", "emoji"]) {
            let (image, out) = (recorded.golden.picture(&format!("{name}.image")), format!("{name}.out"));
            let got = model.forward(&image).unwrap().to_host().unwrap();
            let what = format!("{} in {:?}: {name}", place.device, place.precision);
            let allowed = recorded.allowed(&out, place.precision);
            allowed.assert(&what, &got, &recorded.golden.picture(&out), place.precision);
        }
    });
}
