//! The UnCLIP schedule against diffusers: tables, timesteps and steps of every variance and prediction type.

#![allow(clippy::unwrap_used)]

use easel_kernels::Tensor;
use easel_nodes::config::SchedulerConfig;
use easel_nodes::sampling::Schedule;
use easel_tests::{Golden, Tolerance, assert_close, settings};

fn schedule(steps: usize, settings: &serde_json::Value) -> Schedule {
    let json = serde_json::json!({
        "_class_name": "UnCLIPScheduler",
        "beta_schedule": "squaredcos_cap_v2",
        "num_train_timesteps": 1000,
        "variance_type": settings["variance_type"],
        "prediction_type": settings["prediction_type"],
        "clip_sample": settings["clip_sample"],
        "clip_sample_range": settings["clip_sample_range"],
    });
    let config = SchedulerConfig::parse(json.to_string().as_bytes(), "scheduler_config.json").unwrap();
    Schedule::new(config, steps).unwrap()
}

fn any_settings() -> serde_json::Value {
    serde_json::json!({
        "variance_type": "fixed_small_log", "prediction_type": "epsilon", "clip_sample": true, "clip_sample_range": 1.0
    })
}

#[test]
fn tables_are_equal() {
    let golden = Golden::open("scheduler");
    let schedule = schedule(25, &any_settings());
    assert_eq!(schedule.betas(), golden.tensor("betas").to_vec_f32().unwrap());
    assert_eq!(schedule.alphas_cumprod(), golden.tensor("alphas_cumprod").to_vec_f32().unwrap());
}

#[test]
fn timesteps_are_equal() {
    let golden = Golden::open("scheduler");
    for steps in [2, 5, 7, 10, 11, 13, 25, 50, 100, 1000] {
        let want: Vec<usize> = golden.integers(&format!("timesteps.{steps}")).iter().map(|&t| t as usize).collect();
        assert_eq!(schedule(steps, &any_settings()).timesteps(), want, "{steps} steps");
    }
}

#[test]
fn impossible_step_counts_are_refused() {
    let config = schedule(2, &any_settings()).config().clone();
    for steps in [0, 1, 1001] {
        let error = Schedule::new(config.clone(), steps).unwrap_err().to_string();
        assert!(error.contains("2 to 1000"), "{error}");
    }
}

#[test]
fn steps_are_close() {
    let golden = Golden::open("scheduler");
    let cases = settings("scheduler");
    for case in cases["cases"].as_array().unwrap() {
        let name = format!("case{:02}", case["case"].as_u64().unwrap());
        let (timestep, previous) = (case["timestep"].as_u64().unwrap() as usize, case["prev_timestep"].as_u64());
        let schedule = schedule(25, case);
        let coefficients = schedule.coefficients_between(timestep, previous.map(|previous| previous as usize));
        let noise = case["noise_drawn"].as_bool().unwrap().then(|| golden.picture(&format!("{name}.noise")));
        assert_eq!(coefficients.std.is_some(), noise.is_some(), "{name}: noise is drawn when the reference draws it");
        let (sample, output) =
            (golden.picture(&format!("{name}.sample")), golden.picture(&format!("{name}.model_output")));
        let got = schedule.step(&coefficients, &sample, &output, noise.as_ref()).unwrap();
        let want = golden.picture(&format!("{name}.prev_sample"));
        let x0 = golden.tensor(&format!("{name}.pred_original_sample"));
        assert_close(&name, &got, &want, rounding(&want, &x0, coefficients.x0_to_previous));
    }
}

/// A step is some ten operations in f32 on both sides: 20 units in the last place of its largest intermediate, which may
/// be x₀'s share of the mean (unclipped, x₀ is as large as 2·10⁴ at timestep 999).
fn rounding(want: &Tensor, x0: &Tensor, x0_to_previous: f32) -> Tolerance {
    let largest = |tensor: &Tensor| tensor.to_vec_f32().unwrap().iter().fold(0f32, |max, x| max.max(x.abs()));
    let scale = largest(want).max(largest(x0) * x0_to_previous).max(1.0);
    let max_abs = 20.0 * f64::from(f32::EPSILON) / 2.0 * f64::from(scale);
    Tolerance { max_abs, mean_abs: max_abs }
}
