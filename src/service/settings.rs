//! What runs go by: the settings as stored, and their taking effect.

use super::{Result, Service};
use crate::{
    domain::{run::Plan, settings::Settings},
    engine::probe::Probe,
    store::SharedStore,
};

impl Service {
    /// The settings as stored.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn settings(&self) -> Result<Settings> {
        read(&self.store).await
    }

    /// Sets one key, checked first, and says what it was; limits take effect at once.
    ///
    /// # Errors
    /// [`super::ServiceError::Setting`] where there is no such key or its value is out of range.
    pub async fn set(&self, key: &str, value: &str) -> Result<String> {
        let mut settings = self.settings().await?;
        let before = settings.get(key)?;
        settings.set(key, value)?;
        self.keep_settings(&settings, &[key.to_owned()]).await?;
        Ok(before)
    }

    /// Stores some keys of these settings, all or none, and goes by them from now on.
    ///
    /// # Errors
    /// [`super::ServiceError::Setting`] where there is no such key, or where the store is at fault.
    pub async fn keep_settings(&self, settings: &Settings, keys: &[String]) -> Result<()> {
        let values = keys.iter().map(|key| Ok((key.clone(), settings.get(key)?))).collect::<Result<Vec<_>>>()?;
        self.store.put_settings(&values).await?;
        self.use_settings(settings);
        Ok(())
    }

    /// Makes the engine go by these limits, and this proxy, from now on.
    pub fn use_settings(&self, settings: &Settings) {
        use_proxy(&self.probe, settings);
        let concurrency = crate::lifecycle::fit_open_files(settings.limits.concurrency, self.serves);
        self.engine.set_limits(concurrency, settings.limits.per_host);
    }

    /// The plan for a run by the stored settings.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn plan(&self) -> Result<Plan> {
        Ok(Plan { settings: self.settings().await?, whitelist: Vec::new(), widened: self.probe.is_widened() })
    }
}

pub(super) fn use_proxy(probe: &Probe, settings: &Settings) {
    if let Err(error) = probe.use_proxy(&settings.system.proxy) {
        tracing::error!(%error, "the proxy cannot be used; checks go on as before");
    }
}

pub(super) async fn read(store: &SharedStore) -> Result<Settings> {
    let rows = store.settings().await?;
    let (settings, wrong) = Settings::from_stored(rows.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    for error in wrong {
        tracing::warn!(%error, "a stored setting is not used");
    }
    Ok(settings)
}
