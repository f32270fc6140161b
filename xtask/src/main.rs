//! Builds the browser part: `cargo xtask site` compiles it to wasm, binds, shrinks, hashes and packs it into
//! target/site, where the server picks it up.

mod pack;
mod site;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("site") => site::build(),
        _ => bail!("usage: cargo xtask site"),
    }
}
