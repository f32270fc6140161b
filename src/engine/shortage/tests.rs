use super::*;
use crate::{
    domain::class::Class,
    engine::{
        failure::{ConnectLimit, of_error},
        trace::Stage,
    },
};

/// An error around another, as libraries wrap them.
#[derive(Debug, thiserror::Error)]
#[error("wrapped")]
struct Around(#[source] Box<dyn Error + Send + Sync>);

/// An I/O error in everything that it comes wrapped in.
fn wrapped(make: impl Fn() -> io::Error) -> Vec<Box<dyn Error + Send + Sync>> {
    vec![
        Box::new(make()),
        Box::new(Around(Box::new(make()))),
        Box::new(Around(Box::new(Around(Box::new(make()))))),
        Box::new(io::Error::other(make())),
        Box::new(io::Error::other(Around(Box::new(io::Error::other(make()))))),
        Box::new(Arc::new(make())),
        Box::new(Around(Box::new(NetError::Io(Arc::new(make()))))),
        Box::new(io::Error::other(NetError::from(make()))),
        Box::new(NameError::Short(of_io(&make()).unwrap_or_default())),
        Box::new(Around(Box::new(NameError::Short(of_io(&make()).unwrap_or_default())))),
    ]
}

#[test]
#[cfg(target_os = "linux")]
fn a_shortage_is_found_by_its_number_however_deep_it_lies() {
    for (number, own) in [
        (24, OwnFailure::OpenFiles),
        (23, OwnFailure::OpenFiles),
        (105, OwnFailure::Memory),
        (12, OwnFailure::Memory),
        (28, OwnFailure::Memory),
        (99, OwnFailure::Ports),
        (11, OwnFailure::Threads),
    ] {
        for error in wrapped(|| io::Error::from_raw_os_error(number)) {
            for stage in [Stage::Before, Stage::Resolving, Stage::Connecting, Stage::Connected] {
                let failure = of_error(&*error, stage, false);
                assert_eq!(failure.own, Some(own), "{number}: {error:?}");
                assert_eq!(failure.class, Class::Unreachable, "it says nothing about the site");
            }
        }
    }
}

#[test]
fn or_by_its_kind_where_the_number_is_lost() {
    for (kind, own) in [
        (ErrorKind::OutOfMemory, OwnFailure::Memory),
        (ErrorKind::AddrNotAvailable, OwnFailure::Ports),
        (ErrorKind::WouldBlock, OwnFailure::Threads),
    ] {
        for error in wrapped(|| io::Error::new(kind, "no number")) {
            assert_eq!(of_error(&*error, Stage::Connecting, true).own, Some(own), "{kind}: {error:?}");
        }
    }
}

#[test]
fn what_a_site_or_a_network_does_is_none() {
    for (kind, class) in [
        (ErrorKind::ConnectionRefused, Class::ConnectRefused),
        (ErrorKind::ConnectionReset, Class::ConnectionReset),
        (ErrorKind::HostUnreachable, Class::Unreachable),
        (ErrorKind::NetworkUnreachable, Class::Unreachable),
        (ErrorKind::PermissionDenied, Class::Unreachable),
        (ErrorKind::TimedOut, Class::ConnectTimeout),
    ] {
        for error in [io::Error::from(kind), io::Error::other(io::Error::from(kind))] {
            let failure = of_error(&Around(Box::new(error)), Stage::Connecting, false);
            assert_eq!((failure.class, failure.own), (class, None), "{kind}");
        }
    }
    assert_eq!(of_error(&ConnectLimit, Stage::Connecting, false).own, None);
    assert_eq!(of_error(&NameError::NotFound, Stage::Resolving, false).own, None);
    assert_eq!(of_error(&NetError::NoConnections, Stage::Resolving, false).own, None);
}

#[test]
#[cfg(target_os = "linux")]
fn numbers_that_no_network_gives_are_faults_of_this_machine() {
    // EHOSTDOWN, ENOPROTOOPT and EPROTO come from outside; EAFNOSUPPORT and EBADF do not.
    for (number, own) in
        [(112, None), (92, None), (71, None), (97, Some(OwnFailure::Broken)), (9, Some(OwnFailure::Broken))]
    {
        let error = Around(Box::new(io::Error::from_raw_os_error(number)));
        assert_eq!(of_error(&error, Stage::Connecting, false).own, own, "{number}");
    }
}

#[test]
fn an_error_without_end_comes_to_one() {
    #[derive(Debug, thiserror::Error)]
    #[error("I am my own cause")]
    struct Round;
    impl Round {
        fn whole() -> Around {
            (0..1000).fold(Around(Box::new(Round)), |inner, _| Around(Box::new(inner)))
        }
    }
    assert_eq!(in_chain(&Round::whole()), None);
}

#[test]
fn a_panic_for_want_of_a_thread_is_told_from_others() {
    let text = "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)".to_owned();
    assert_eq!(of_panic(&text), OwnFailure::Threads);
    assert_eq!(of_panic(&"failed to spawn thread: WouldBlock"), OwnFailure::Threads);
    assert_eq!(of_panic(&"index out of bounds"), OwnFailure::Broken);
    assert_eq!(of_panic(&7), OwnFailure::Broken);
}

#[test]
fn shortages_below_a_library_are_counted_and_taken_ports_are_not() {
    let met = Met::default();
    let before = met.times();
    met.note(&io::Error::from(ErrorKind::AddrInUse));
    met.note(&io::Error::from(ErrorKind::ConnectionRefused));
    assert_eq!(met.since(before), None);
    met.note(&io::Error::from(ErrorKind::OutOfMemory));
    assert_eq!(met.since(before), Some(OwnFailure::Memory));
    assert_eq!(met.since(met.times()), None);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_short_below_the_resolver_is_counted_and_what_the_network_says_is_not() {
    use rustix::io::Errno;
    let met = Met::default();
    for number in [Errno::NOBUFS, Errno::NOMEM, Errno::MFILE, Errno::PERM, Errno::AFNOSUPPORT] {
        let before = met.times();
        met.note(&number.into());
        assert!(met.since(before).is_some(), "{number:?}");
    }
    let before = met.times();
    for number in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::NETUNREACH, Errno::TIMEDOUT, Errno::ADDRINUSE] {
        met.note(&number.into());
    }
    assert_eq!(met.since(before), None);
}
