//! The contract of Dicetower: its messages, its services, and the catalogue of tools made from them.
//!
//! An operation is defined once, in a `.proto` file. [`catalogue`] reads from the compiled descriptors which RPCs are
//! tools; [`validate`] enforces the `buf.validate` rules written beside the fields; [`json`] writes messages as
//! JSON; [`codec`] as bytes; [`frame`] gives a session's events the form that clients of the WebSocket know.

pub mod catalogue;
pub mod codec;
pub mod frame;
pub mod json;
mod reading;
pub mod structs;
pub mod validate;

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// The compiled descriptors of every service, with comments and options, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The descriptors, ready to look things up in.
pub static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("the build wrote these descriptors"));

macro_rules! package {
    ($name:ident, $package:literal $(, $lint:meta)*) => {
        #[expect(missing_docs, $($lint,)* clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code")]
        pub mod $name {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    };
}
package!(dice, "dicetower.dice.v1");
package!(character, "dicetower.character.v1");
package!(orchestrator, "dicetower.orchestrator.v1");
package!(fsm, "dicetower.fsm.v1", clippy::large_enum_variant);
