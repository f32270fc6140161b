//! Hashed names, compressed copies, and a manifest that names them.

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::Path,
};

/// Files shorter than this gain nothing by compression.
const PACK_FROM: usize = 512;

/// A text that changes whenever one of these files or folders does.
pub fn fingerprint(paths: &[&Path]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        for file in files(path)? {
            file.hash(&mut hasher);
            fs::read(&file)?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Writes the site: what is no longer part of it goes, what is the same stays untouched.
pub fn write(work: &Path, root: &Path, site: &Path) -> Result<()> {
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg)?;
    let mut kept = BTreeSet::new();
    let mut put = |path: &Path, bytes: &[u8]| -> Result<()> {
        kept.insert(path.to_owned());
        if !fs::read(path).is_ok_and(|held| held == bytes) {
            fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    };
    let mut manifest = Vec::new();
    let css = fs::read(root.join("style/main.css"))?;
    let wasm = fs::read(work.join("rollcall_bg.wasm"))?;
    let js = fs::read(work.join("rollcall.js"))?;
    for (key, extension, bytes) in [("js", "js", js), ("wasm", "wasm", wasm), ("css", "css", css)] {
        let name = format!("rollcall-{}.{extension}", short_hash(&bytes));
        let (br, gz) = (brotli(&bytes)?, gzip(&bytes)?);
        println!("site: {name} {} kB, brotli {} kB", bytes.len() / 1000, br.len() / 1000);
        put(&pkg.join(&name), &bytes)?;
        if bytes.len() >= PACK_FROM {
            put(&pkg.join(format!("{name}.br")), &br)?;
            put(&pkg.join(format!("{name}.gz")), &gz)?;
        }
        manifest.push(format!("\"{key}\":\"{name}\""));
    }
    let snippets = work.join("snippets");
    for file in files(&snippets)? {
        let to = pkg.join(file.strip_prefix(work)?);
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        put(&to, &fs::read(&file)?)?;
    }
    for file in files(&root.join("public"))? {
        put(&site.join(file.strip_prefix(root.join("public"))?), &fs::read(&file)?)?;
    }
    put(&pkg.join("manifest.json"), format!("{{{}}}", manifest.join(",")).as_bytes())?;
    for stale in files(site)?.into_iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(stale)?;
    }
    Ok(())
}

/// Every file below a path, in order; none where it does not exist.
fn files(path: &Path) -> Result<Vec<std::path::PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let Ok(entries) = fs::read_dir(path) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(files(&entry?.path())?);
    }
    found.sort();
    Ok(found)
}

fn short_hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 1 << 16, 11, 22).write_all(bytes)?;
    Ok(out)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
