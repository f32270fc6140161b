//! What a check can break on that is this machine's own: never a verdict on a site.

use super::lang::Lang;
use serde::{Deserialize, Serialize};

/// Why a check could not be made, where the fault is on our side. The codes are stable: stored and printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnFailure {
    /// The process, or the machine, may open no more files and sockets.
    OpenFiles,
    /// Memory, or the kernel's buffers for sockets.
    Memory,
    /// Local ports, or a local address to connect from.
    Ports,
    /// A thread could not be started.
    Threads,
    /// The program or its machine stood still while sites were asked, time and again.
    Paused,
    /// A fault of the program, or of this machine, that no shortage explains; the log has more.
    #[default]
    Broken,
}

impl OwnFailure {
    pub const ALL: [OwnFailure; 6] = [
        OwnFailure::OpenFiles,
        OwnFailure::Memory,
        OwnFailure::Ports,
        OwnFailure::Threads,
        OwnFailure::Paused,
        OwnFailure::Broken,
    ];

    /// The stable code, as stored and printed.
    pub fn code(self) -> &'static str {
        match self {
            OwnFailure::OpenFiles => "open_files",
            OwnFailure::Memory => "memory",
            OwnFailure::Ports => "ports",
            OwnFailure::Threads => "threads",
            OwnFailure::Paused => "paused",
            OwnFailure::Broken => "broken",
        }
    }

    /// The failure of a stable code.
    pub fn from_code(code: &str) -> Option<OwnFailure> {
        OwnFailure::ALL.into_iter().find(|failure| failure.code() == code)
    }

    /// What was missing, for one link's row.
    pub fn words(self, lang: Lang) -> &'static str {
        match self {
            OwnFailure::OpenFiles => lang.pick("本机可打开的文件数不足", "this machine ran short of open files"),
            OwnFailure::Memory => lang.pick("本机内存不足", "this machine ran short of memory"),
            OwnFailure::Ports => {
                lang.pick("本机没有可用的端口或地址", "this machine ran short of local ports or addresses")
            }
            OwnFailure::Threads => lang.pick("本机无法再启动线程", "this machine could not start another thread"),
            OwnFailure::Paused => {
                lang.pick("检查期间程序多次停顿", "the program stood still again and again while it was made")
            }
            OwnFailure::Broken => {
                lang.pick("检查因程序自身的故障而中断", "the check broke on a fault of Rollcall's own")
            }
        }
    }

    /// What to do about it.
    pub fn advice(self, lang: Lang) -> &'static str {
        match self {
            OwnFailure::OpenFiles => lang.pick(
                "请提高上限（ulimit -n，systemd 用 LimitNOFILE=），或减小“同时检查数”（concurrency）",
                "raise the limit (ulimit -n, LimitNOFILE= under systemd), or lower the setting concurrency",
            ),
            OwnFailure::Memory => lang.pick(
                "请释放内存或提高内存上限，或减小“同时检查数”（concurrency）",
                "free some memory or raise its limit, or lower the setting concurrency",
            ),
            OwnFailure::Ports => lang.pick(
                "请扩大本地端口范围（net.ipv4.ip_local_port_range），或减小“同时检查数”（concurrency）",
                "widen the range of local ports (net.ipv4.ip_local_port_range), or lower the setting concurrency",
            ),
            OwnFailure::Threads => lang.pick(
                "请提高线程数上限（ulimit -u，systemd 用 TasksMax=）",
                "raise the limit of threads (ulimit -u, TasksMax= under systemd)",
            ),
            OwnFailure::Paused => lang.pick(
                "请查看本机是否过载、被挂起或休眠",
                "see whether this machine is overloaded, or is being suspended",
            ),
            OwnFailure::Broken => lang.pick("详情见日志", "the log has more"),
        }
    }

    /// All of it in one sentence, for so many links of a run.
    pub fn notice(self, links: u32, lang: Lang) -> String {
        let (why, advice) = (self.words(lang), self.advice(lang));
        lang.pick(
            format!("{links} 个友链未能检查：{why}，友链状态保持不变。{advice}。"),
            match links {
                1 => format!("1 link could not be checked: {why}. It stays as it was; {advice}."),
                _ => format!("{links} links could not be checked: {why}. They stay as they were; {advice}."),
            },
        )
    }
}

impl std::fmt::Display for OwnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::OwnFailure;

    #[test]
    fn codes_are_what_serde_writes() {
        for failure in OwnFailure::ALL {
            assert_eq!(serde_json::to_value(failure).unwrap(), failure.code());
            assert_eq!(OwnFailure::from_code(failure.code()), Some(failure));
        }
        assert_eq!(OwnFailure::from_code("ok"), None);
    }
}
