//! What every command has at hand.

use super::{Failure, NetworkArgs};
use crate::{
    clock::SharedClock,
    domain::lang::Lang,
    engine::guard::Allowed,
    service::{Network, Service, ServiceError},
    store::{
        SharedStore, StoreError,
        sqlite::{self, SqliteStore},
    },
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::runtime::Handle;

/// How long the end of a command waits for its connections to the database.
const CLOSING: Duration = Duration::from_secs(5);

/// What every command has at hand.
pub struct Context {
    pub database: String,
    pub lang: Lang,
    pub clock: SharedClock,
    /// Those that checks are made on, where others are to answer browsers meanwhile.
    pub threads: Option<Handle>,
    /// The databases that were opened, to be closed at the end.
    pub opened: Mutex<Vec<SharedStore>>,
}

impl Context {
    pub async fn store(&self) -> Result<SharedStore, StoreError> {
        self.store_at(&self.database).await
    }

    /// Warns where there is no database yet: who reads a new one may take its emptiness for an answer.
    pub fn tell_of_new_database(&self) -> Result<(), Failure> {
        let path = sqlite::path_of(&self.database)?;
        if std::fs::metadata(&path).map_or(true, |file| file.len() == 0) {
            eprintln!("note: there was no database at {}; --database names another", path.display());
        }
        Ok(())
    }

    /// Opens a database, which is closed when the command ends.
    pub async fn store_at(&self, address: &str) -> Result<SharedStore, StoreError> {
        let store: SharedStore = Arc::new(SqliteStore::open(address).await?);
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
        Ok(store)
    }

    /// Closes what was opened, so that all that was written is in the database's one file.
    pub async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for store in opened {
            // A connection that never comes back is not waited for: what it wrote is in the log.
            if tokio::time::timeout(CLOSING, store.close()).await.is_err() {
                tracing::warn!(file = %store.file().display(), "the database is still in use and was not closed");
            }
        }
    }

    /// The use cases, reaching the public internet and what `network` opens.
    pub async fn service(&self, network: &NetworkArgs) -> Result<Arc<Service>, ServiceError> {
        self.service_over(Allowed::new(network.allow_net.clone()), network, false).await
    }

    /// As [`Context::service`], for a server: it does not ask itself.
    pub async fn service_at(&self, own: SocketAddr, network: &NetworkArgs) -> Result<Arc<Service>, ServiceError> {
        self.service_over(Allowed::new(network.allow_net.clone()).without_own(own), network, true).await
    }

    pub async fn service_over(
        &self,
        allowed: Allowed,
        network: &NetworkArgs,
        serves: bool,
    ) -> Result<Arc<Service>, ServiceError> {
        self.service_with(self.store().await?, allowed, network, serves).await
    }

    /// As [`Context::service_over`], over a store that is open.
    pub async fn service_with(
        &self,
        store: SharedStore,
        allowed: Allowed,
        network: &NetworkArgs,
        serves: bool,
    ) -> Result<Arc<Service>, ServiceError> {
        let network = Network { allowed, dns: network.dns.clone(), threads: self.threads.clone(), serves };
        Service::start(store, network, self.clock.clone()).await
    }
}
