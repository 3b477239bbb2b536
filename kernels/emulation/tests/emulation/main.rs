//! The emulation, seen through unmodified `cudarc`: small kernels give right results under every schedule, and each fault
//! that is put into them is found and told.

#![allow(clippy::unwrap_used)]

mod device;
mod driver;
mod faults;
mod kernels;
mod results;
mod tensor_maps;
