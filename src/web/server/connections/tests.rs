use super::*;

fn limits(overall: usize, of_one_address: usize, proxies: &[&str]) -> Limits {
    Limits { overall, of_one_address, proxies: proxies.iter().map(|net| net.parse().unwrap()).collect() }
}

fn admitted(all: &Connections, peer: &str) -> Option<Arc<Connection>> {
    all.admit(peer.parse().unwrap())
}

fn is_open(connection: &Connection) -> bool {
    !connection.end.is_cancelled()
}

#[test]
fn one_address_takes_only_its_own_room() {
    let all = Connections::new(limits(10, 3, &[]));
    let owner = admitted(&all, "192.0.2.1").unwrap();
    let held: Vec<_> = (0..20).map(|_| admitted(&all, "198.51.100.7").unwrap()).collect();
    assert!(is_open(&owner));
    assert_eq!(held.iter().filter(|one| is_open(one)).count(), 3);
    assert!(held[17..].iter().all(|one| is_open(one)), "the newest stay");
}

#[test]
fn who_is_signed_in_or_being_answered_stays() {
    let all = Connections::new(limits(4, 3, &[]));
    let owner = admitted(&all, "192.0.2.1").unwrap();
    owner.is_of(true);
    let asking = admitted(&all, "192.0.2.1").unwrap();
    asking.is_of(false);
    asking.works();
    for _ in 0..50 {
        admitted(&all, "192.0.2.1").unwrap().is_of(false);
    }
    assert!(is_open(&owner) && is_open(&asking));
    for _ in 0..3 {
        admitted(&all, "203.0.113.1").unwrap().is_of(true);
    }
    assert!(is_open(&owner) && admitted(&all, "203.0.113.2").is_none(), "all of them are somebody's");
}

#[test]
fn overall_the_least_worthy_makes_room_and_then_whoever_holds_the_most() {
    let all = Connections::new(limits(6, 4, &[]));
    let few = admitted(&all, "192.0.2.1").unwrap();
    let many: Vec<_> = (0..4).map(|_| admitted(&all, "2001:db8::1").unwrap()).collect();
    let another = admitted(&all, "198.51.100.1").unwrap();
    assert!(admitted(&all, "198.51.100.2").is_some());
    assert!(is_open(&few) && !is_open(&many[0]), "all are new: of whom holds the most");
    // Known to be nobody's, and silent.
    another.is_of(false);
    assert!(admitted(&all, "198.51.100.3").is_some());
    assert!(is_open(&many[1]) && !is_open(&another), "an idle one goes before a new one, whoever holds more");
}

#[test]
fn an_owner_with_several_connections_loses_none_to_one_from_each_of_many() {
    let all = Connections::new(limits(8, 4, &[]));
    let owner: Vec<_> = (0..3).map(|_| admitted(&all, "192.0.2.1").unwrap()).collect();
    owner[0].is_of(true);
    owner[1].is_of(false);
    owner[1].works();
    for n in 0..200 {
        admitted(&all, &format!("198.51.100.{n}")).unwrap().is_of(false);
    }
    assert!(owner.iter().all(|one| is_open(one)), "of the two that are not known to be his one is new, one at work");
}

#[test]
fn proxies_speak_for_many_and_a_household_for_one() {
    let all = Connections::new(limits(100, 2, &["10.0.0.0/8"]));
    let proxied: Vec<_> = (0..9).map(|_| admitted(&all, "::ffff:10.1.2.3").unwrap()).collect();
    assert!(proxied.iter().all(|one| is_open(one)));
    let household: Vec<_> = (1..=9).map(|n| admitted(&all, &format!("2001:db8::{n}")).unwrap()).collect();
    assert_eq!(household.iter().filter(|one| is_open(one)).count(), 2);
}

#[test]
fn settings_stay_within_what_the_files_allow() {
    assert_eq!(Limits::new(0, 0, 1024, Vec::new()), limits(1024, 64, &[]));
    assert_eq!(Limits::new(0, 0, 32, Vec::new()), limits(32, 16, &[]));
    assert_eq!(Limits::new(5000, 500, 256, Vec::new()), limits(256, 256, &[]));
    assert_eq!(Limits::new(100, 0, 1024, Vec::new()), limits(100, 50, &[]));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_strangers_does_not_throw_out_who_is_about_to_ask() {
    let all = Connections::new(limits(10, 4, &[]));
    let owner = admitted(&all, "192.0.2.1").unwrap();
    for n in 0..1000 {
        let stranger = admitted(&all, "192.0.2.1").unwrap();
        stranger.is_of(false);
        stranger.works();
        if n == 10 {
            owner.asked();
        }
    }
    assert!(is_open(&owner), "who asks is not known yet");
    tokio::time::advance(ASKS_WITHIN).await;
    admitted(&all, "192.0.2.1").unwrap();
    assert!(!is_open(&owner), "nor will be");
}
