//! How much memory a bench took.
#![allow(dead_code, reason = "each user takes a part of it")]

/// The process's peak resident memory, MB.
pub fn mb() -> f64 {
    mb_of("self")
}

/// Of another process, by its id.
pub fn mb_of(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
