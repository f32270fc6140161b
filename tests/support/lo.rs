//! A network of its own for a test, which can be taken away and given back.

use std::{net::UdpSocket, os::fd::AsRawFd, process::Command};

/// Says to the test that is begun anew that it is inside.
const INSIDE: &str = "ROLLCALL_TEST_NETWORK";

/// Whether this process is in a network of its own, with loopback up. If not, the test `name` is begun anew in one, and
/// has to succeed there; where this machine does not allow that, it says so and is left out.
pub fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        set(true);
        return true;
    }
    let test = std::env::current_exe().unwrap();
    let begin = |more: &[&str], what: &[&std::ffi::OsStr]| {
        let mut command = Command::new("unshare");
        command.arg("--net").args(more).args(what).env(INSIDE, "1");
        command
    };
    let can = |more: &[&str]| begin(more, &["true".as_ref()]).output().is_ok_and(|done| done.status.success());
    let Some(more) = [&[][..], &["--map-root-user"][..]].into_iter().find(|more| can(more)) else {
        eprintln!("{name} was left out: this machine gives no network of its own (unshare --net)");
        return false;
    };
    let what = [test.as_os_str(), name.as_ref(), "--exact".as_ref(), "--nocapture".as_ref()];
    let done = begin(more, &what).output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    eprintln!("{said}");
    false
}

/// Takes loopback up or down: it is all the network there is.
pub fn set(up: bool) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: the request is large enough for what the kernel reads and writes, and lives as long as the calls.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
            *to = *from as libc::c_char;
        }
        assert_eq!(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &mut request), 0);
        let flag = libc::IFF_UP as libc::c_short;
        let flags = request.ifr_ifru.ifru_flags;
        request.ifr_ifru.ifru_flags = if up { flags | flag } else { flags & !flag };
        assert_eq!(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request), 0);
    }
}
