//! Telling systemd how it is: sd_notify(3), a datagram to the socket that the environment names.

use std::time::Duration;

/// Whom to tell; nobody where no one asked.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    /// A path, or a name in the abstract namespace after `@`.
    socket: Option<String>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// As the environment says: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    pub fn from_env() -> Notifier {
        let of = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
        Notifier::new(of("NOTIFY_SOCKET"), of("WATCHDOG_USEC"), of("WATCHDOG_PID"), std::process::id())
    }

    fn new(socket: Option<String>, usec: Option<String>, watched: Option<String>, own: u32) -> Notifier {
        // It may be meant for whoever started us.
        let ours = watched.is_none_or(|watched| watched.parse() == Ok(own));
        let limit = usec.filter(|_| ours && socket.is_some()).and_then(|usec| usec.parse().ok()).filter(|n| *n > 0);
        Notifier { socket, watchdog: limit.map(Duration::from_micros) }
    }

    /// How often the watchdog wants to be told: at half of its limit, as sd_watchdog_enabled(3) advises.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.map(|limit| (limit / 2).max(Duration::from_millis(1)))
    }

    /// Sends a state such as `READY=1`. What cannot be sent is logged: systemd notices by itself.
    pub fn send(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = send(socket, state)
        {
            tracing::warn!(%error, state, "systemd could not be told");
        }
    }
}

fn send(socket: &str, state: &str) -> std::io::Result<()> {
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let sender = UnixDatagram::unbound()?;
    // Whoever does not read is not waited for.
    sender.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt;
        return sender.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?).map(|_| ());
    }
    sender.send_to_addr(state.as_bytes(), &SocketAddr::from_pathname(socket)?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_told_twice_in_its_time_where_it_is_ours() {
        let text = |value: &str| Some(value.to_owned());
        let of = |socket, usec, pid| Notifier::new(socket, usec, pid, 7).watchdog();
        assert_eq!(of(text("/run/s"), text("60000000"), None), Some(Duration::from_secs(30)));
        assert_eq!(of(text("/run/s"), text("60000000"), text("7")), Some(Duration::from_secs(30)));
        for (socket, usec, pid) in [
            (None, text("60000000"), None),
            (text("/run/s"), None, None),
            (text("/run/s"), text("0"), None),
            (text("/run/s"), text("soon"), None),
            (text("/run/s"), text("60000000"), text("8")),
        ] {
            assert_eq!(of(socket, usec, pid), None);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_state_arrives_by_a_path_and_by_an_abstract_name() {
        use std::os::{
            linux::net::SocketAddrExt,
            unix::net::{SocketAddr, UnixDatagram},
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        let name = format!("rollcall-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, listens) in [
            (path.clone(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{name}"), UnixDatagram::bind_addr(&abstract_name).unwrap()),
        ] {
            Notifier::new(Some(socket), None, None, 1).send("READY=1");
            let mut held = [0; 64];
            let length = listens.recv(&mut held).unwrap();
            assert_eq!(&held[..length], b"READY=1");
        }
        // Nobody is there: it is told, and nothing else comes of it.
        Notifier::new(Some(folder.path().join("nobody").display().to_string()), None, None, 1).send("READY=1");
    }
}
