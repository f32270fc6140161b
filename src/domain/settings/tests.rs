use super::*;

#[test]
fn every_key_takes_its_own_text_back() {
    let mut settings = Settings::default();
    settings.set("hide_after.timeout", "4").unwrap();
    for (key, value, _) in settings.clone().list() {
        settings.set(&key, &value).unwrap_or_else(|e| panic!("{e}"));
    }
    assert_eq!(settings.get("hide_after.timeout").unwrap(), "4");
    assert_eq!(settings.policy.hide_after(Class::Timeout, None), 4);
}

#[test]
fn out_of_range_says_the_range_and_changes_nothing() {
    let mut settings = Settings::default();
    for (key, value) in [
        ("concurrency", "0"),
        ("timeout", "nan"),
        ("retries", "101"),
        ("guard_share", "2"),
        ("policy", "lax"),
        ("timezone", "Nowhere"),
        ("my_sites", "https://a.com ftp://b"),
        ("hide_after.ok", "1"),
        ("trusted_proxies", "10.0.0.0/33"),
        ("proxy", "proxy.example.com"),
        ("proxy", "socks5://127.0.0.1:1080"),
        ("metrics_token", "short"),
        ("backup_cron", "daily"),
        ("backup_cron", "0 30 3 * * *"),
        ("backup_cron", "0 0 30 2 *"),
        ("backup_cron", "@reboot"),
        ("backups_keep", "0"),
        ("jitter", "3601"),
        ("nope", "1"),
    ] {
        assert!(settings.set(key, value).is_err(), "{key}={value}");
    }
    assert_eq!(settings, Settings::default());
}

#[test]
fn what_an_earlier_version_took_goes_on() {
    use super::super::pattern::Search;
    let costly = r"[\s\S]{1,1000}me";
    let stored = [("my_site_patterns", costly), ("backup_cron", "0 30 3 * * 0"), ("retries", "many")];
    let (settings, wrong) = Settings::from_stored(stored);
    assert_eq!(settings.my_site_patterns, [costly]);
    assert_eq!(settings.system.backup_cron, "0 30 3 * * 0");
    assert_eq!(settings.sites().unwrap().search("me"), Search::GaveUp, "nothing is known, so nobody is hidden for it");
    assert_eq!(wrong.len(), 2, "the pattern that never knows is told, and the number that is none");
    assert!(Settings::default().set("my_site_patterns", costly).is_err(), "a new one is refused");
}
