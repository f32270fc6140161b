//! Builds the program anew where the browser part, which it embeds, has changed.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    // Only the server embeds the site; the browser part is what the site is made of.
    if std::env::var_os("CARGO_FEATURE_SSR").is_some() {
        println!("cargo::rerun-if-changed=target/site/pkg/manifest.json");
    }
}
