//! Write node types for Easel: a plugin is a WebAssembly module that Easel loads from a folder and runs in a sandbox.
//!
//! ```
//! use easel_plugin::{Call, Image, Input, NodeType, Output, Result, plugin};
//!
//! plugin! {
//!     "Does something to colours.",
//!     NodeType::new("Invert", "Turns every colour into its opposite.", invert)
//!         .input(Input::new::<Image>("image", "pictures"))
//!         .input(Input::new::<f64>("amount", "0 changes nothing, 1 turns colours over").range(0.0, 1.0).default(1.0))
//!         .output(Output::new::<Image>("image", "the same pictures in other colours")),
//! }
//!
//! fn invert(call: &mut Call) -> Result {
//!     let mut image: Image = call.take("image")?;
//!     let amount: f64 = call.take("amount")?;
//!     for value in image.values_mut() {
//!         *value *= (1.0 - 2.0 * amount) as f32;
//!     }
//!     call.give("image", image)
//! }
//! ```
//!
//! Build it with `cargo build --release --target wasm32-unknown-unknown`, in a crate of type `cdylib`, and copy the `.wasm`
//! into the folder `plugins` beside a workflow. What a node gives must follow from what it takes: a plugin has no files, no
//! clock and no random numbers, and every call begins with fresh memory, of which there are 256 MiB.

mod call;
mod describe;
#[doc(hidden)]
pub mod exports;
mod host;
mod value;
mod wire;

pub use call::{Call, Failure, Result};
pub use describe::{Input, NodeType, Output};
pub use value::{Image, ImageEmbedding, Kind, Tensor};

/// Makes a crate a plugin: what it is about, and its node types.
#[macro_export]
macro_rules! plugin {
    ($about:expr, $($node:expr),+ $(,)?) => {
        fn easel_plugin_nodes() -> ::std::vec::Vec<$crate::NodeType> {
            ::std::vec![$($node),+]
        }

        /// The version of the plugin interface.
        #[unsafe(no_mangle)]
        pub extern "C" fn easel_abi_version() -> i32 {
            $crate::exports::ABI_VERSION
        }

        /// Where the description is.
        #[unsafe(no_mangle)]
        pub extern "C" fn easel_describe() -> i64 {
            $crate::exports::describe($about, &easel_plugin_nodes())
        }

        /// Room for inputs.
        #[unsafe(no_mangle)]
        pub extern "C" fn easel_alloc(length: i32) -> i32 {
            $crate::exports::allocate(length)
        }

        /// Runs a node type.
        #[unsafe(no_mangle)]
        pub extern "C" fn easel_run(node: i32, inputs: i32, length: i32) -> i64 {
            $crate::exports::run(&easel_plugin_nodes(), node, inputs, length)
        }
    };
}
