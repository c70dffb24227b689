//! Compiles the contract without protoc, and keeps the descriptors with their comments for the catalogue.

use std::{env, fs, path::PathBuf};

const FILES: [&str; 16] = [
    "buf/validate/validate.proto",
    "dicetower/tool/v1/tool.proto",
    "dicetower/dice/v1/dice.proto",
    "dicetower/character/v1/character.proto",
    "dicetower/character/v1/change.proto",
    "dicetower/character/v1/sheet.proto",
    "dicetower/character/v1/gear.proto",
    "dicetower/character/v1/magic.proto",
    "dicetower/character/v1/combat.proto",
    "dicetower/character/v1/battle.proto",
    "dicetower/character/v1/conjuring.proto",
    "dicetower/character/v1/machines.proto",
    "dicetower/character/v1/campaign.proto",
    "dicetower/character/v1/lookup.proto",
    "dicetower/orchestrator/v1/orchestrator.proto",
    "dicetower/fsm/v1/fsm.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;

    // Encoded by protox itself: prost's types would drop the custom options.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    // A fake of a service in a test implements only the methods it is about; that the real one leaves none out is
    // tested where it lives.
    tonic_prost_build::configure()
        .btree_map(".")
        .bytes(".dicetower.character.v1.ReadSheetResponse.sheet")
        .generate_default_stubs(true)
        .codec_path("crate::codec::Codec")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
