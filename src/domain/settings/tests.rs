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
