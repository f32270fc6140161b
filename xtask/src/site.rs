//! The steps from Rust to target/site.

use crate::pack;
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "wasm-release";
/// What the compiler emits by now, which older tools have to be told of.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

pub fn build() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the project")?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let wasm = compile(root, &target)?;
    let site = root.join("target/site");
    let stamp = target.join("site.stamp");
    let shrinker = root.join("end2end/node_modules/binaryen/package.json");
    let made_by = root.join("xtask/src");
    let inputs = pack::fingerprint(&[&wasm, &root.join("style/main.css"), &root.join("public"), &shrinker, &made_by])?;
    if fs::read_to_string(&stamp).is_ok_and(|held| held == inputs) && site.join("pkg/manifest.json").exists() {
        println!("site: up to date");
        return Ok(());
    }
    let work = target.join("site-work");
    bind(&wasm, &work)?;
    shrink(root, &work)?;
    pack::write(&work, root, &site)?;
    fs::write(stamp, inputs)?;
    Ok(())
}

fn compile(root: &Path, target: &Path) -> Result<PathBuf> {
    println!("site: compiling the browser part ({TARGET}, {PROFILE})");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--lib", "--features", "hydrate", "--target", TARGET, "--profile", PROFILE])
        .status()
        .context("cargo cannot be run")?;
    if !status.success() {
        bail!("the browser part does not compile; is the target there? rustup target add {TARGET}");
    }
    Ok(target.join(TARGET).join(PROFILE).join("rollcall.wasm"))
}

fn bind(wasm: &Path, work: &Path) -> Result<()> {
    println!("site: binding");
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    Bindgen::new()
        .input_path(wasm)
        .out_name("rollcall")
        .web(true)?
        .typescript(false)
        .remove_name_section(false)
        .demangle(false)
        .remove_producers_section(true)
        .generate(work)
        .context("wasm-bindgen failed")
}

/// What makes the packed file smallest: inlining little leaves more that repeats, and like functions side by side
/// pack better (measured: 225 kB to 209 kB with brotli).
const SHRINK: [&str; 9] = [
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "-ocimfs",
    "24",
    "--reorder-functions-by-name",
    "--strip-debug",
    "--strip-producers",
];

/// wasm-opt saves more than half. Without it the site still works, only larger.
fn shrink(root: &Path, work: &Path) -> Result<()> {
    let local = root.join("end2end/node_modules/.bin/wasm-opt");
    let tool = if local.exists() { local } else { PathBuf::from("wasm-opt") };
    let file = work.join("rollcall_bg.wasm");
    for passes in [&SHRINK[..], &["-Oz", "--strip-debug"]] {
        let run = Command::new(&tool).args(WASM_FEATURES).args(passes).arg(&file).arg("-o").arg(&file).status();
        match run {
            Ok(status) if status.success() => {
                println!("site: shrunk with {}", tool.display());
                return Ok(());
            }
            // An older one, such as Debian's, does not know every pass.
            Ok(_) => println!("site: this wasm-opt lacks a pass, trying fewer"),
            Err(_) => {
                println!("site: wasm-opt is missing (npm's or Debian's binaryen); the browser part stays larger");
                return Ok(());
            }
        }
    }
    bail!("{} failed on {}", tool.display(), file.display())
}
