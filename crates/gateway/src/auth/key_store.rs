//! Access keys from the database, kept for half a second.
//!
//! A key that was disabled or dropped stops working within a second: an entry older than [`FRESH`] is asked for again
//! before it is believed, by one request for all that wait. One task owns the connection; ids that are in use go
//! before ids that nobody has seen, and of the latter only so many are looked up, so that requests with invented keys
//! cost the database little and others nothing.

use super::fault;
use super::key::{AccessKey, KeySource};
use pg_dynamo_core::{ApiError, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

/// How long an answer of the database is believed.
const FRESH: Duration = Duration::from_millis(500);
/// Time from one look-up of an id that nobody has seen to the next.
const UNSEEN_PAUSE: Duration = Duration::from_millis(2);
/// Ids that nobody has seen and that wait; with the pause above, an eighth of a second's worth.
const UNSEEN_WAITING: usize = 64;
/// Ids in use that wait.
const SEEN_WAITING: usize = 4096;
/// Entries before those that are of no use go.
const ENTRIES: usize = 4096;

/// What the database keeps of an access key that may be used.
pub struct Record {
    pub role: String,
    pub secret: Zeroizing<String>,
}

/// The database did not answer; whoever noticed has logged why.
#[derive(Clone, Copy, Debug)]
pub struct Unreachable;

/// Where the store asks. One question at a time.
pub trait Directory: Send + 'static {
    /// None when nobody may use this id.
    fn look_up(
        &mut self,
        access_key_id: &str,
    ) -> impl Future<Output = std::result::Result<Option<Record>, Unreachable>> + Send;
}

/// Keys as the database had them at most half a second ago.
pub struct KeyStore {
    entries: Arc<Entries>,
    seen: mpsc::Sender<Box<str>>,
    unseen: mpsc::Sender<Box<str>>,
}

/// What one look-up brought.
type Answer = std::result::Result<Option<Arc<AccessKey>>, Unreachable>;
type Answers = watch::Receiver<Option<Answer>>;

#[derive(Default)]
struct Entries(Mutex<HashMap<Box<str>, Entry>>);

struct Entry {
    /// None: nobody may use the id, or nothing is known yet.
    key: Option<Arc<AccessKey>>,
    /// When the last answer was asked for.
    asked: Option<Instant>,
    /// A look-up that is under way.
    pending: Option<(watch::Sender<Option<Answer>>, Answers)>,
}

impl Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now < asked + FRESH)
    }
}

impl KeyStore {
    /// Starts the task that asks `directory`; it ends with the store.
    pub fn start(directory: impl Directory) -> KeyStore {
        let entries = Arc::new(Entries::default());
        let (seen, seen_ids) = mpsc::channel(SEEN_WAITING);
        let (unseen, unseen_ids) = mpsc::channel(UNSEEN_WAITING);
        tokio::spawn(answer_all(directory, entries.clone(), seen_ids, unseen_ids));
        KeyStore {
            entries,
            seen,
            unseen,
        }
    }

    /// The key if it is fresh, else the answer to wait for.
    fn fresh_or_asked(
        &self,
        id: &str,
    ) -> std::result::Result<Option<Arc<AccessKey>>, Result<Answers>> {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get_mut(id) {
            if entry.is_fresh(now) {
                return Ok(entry.key.clone());
            }
            if let Some((_, answers)) = &entry.pending {
                return Err(Ok(answers.clone()));
            }
        }
        let known = entries.get(id).is_some_and(|entry| entry.key.is_some());
        Err(self.ask(&mut entries, id, known, now))
    }

    /// Queues a look-up. `known`: the id was good when last seen.
    fn ask(
        &self,
        entries: &mut HashMap<Box<str>, Entry>,
        id: &str,
        known: bool,
        now: Instant,
    ) -> Result<Answers> {
        let queue = if known { &self.seen } else { &self.unseen };
        queue.try_send(id.into()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => fault::too_many_unknown_keys(),
            mpsc::error::TrySendError::Closed(_) => fault::keys_unavailable(),
        })?;
        if entries.len() >= ENTRIES {
            make_room(entries, now);
        }
        let (sender, answers) = watch::channel(None);
        let entry = entries.entry(id.into()).or_insert(Entry {
            key: None,
            asked: None,
            pending: None,
        });
        entry.pending = Some((sender, answers.clone()));
        Ok(answers)
    }
}

impl KeySource for KeyStore {
    async fn find(&self, access_key_id: &str) -> Result<Option<Arc<AccessKey>>> {
        let mut answers = match self.fresh_or_asked(access_key_id) {
            Ok(key) => return Ok(key),
            Err(asked) => asked?,
        };
        let unavailable = |_| -> ApiError { fault::keys_unavailable() };
        // The sender goes only with the store.
        let answer = answers
            .wait_for(Option::is_some)
            .await
            .map_err(unavailable)?
            .clone();
        match answer {
            Some(Ok(key)) => Ok(key),
            Some(Err(Unreachable)) | None => Err(fault::keys_unavailable()),
        }
    }
}

/// Drops what is of no use: unknown ids whose time is over; if that is too little, keys not used of late as well.
fn make_room(entries: &mut HashMap<Box<str>, Entry>, now: Instant) {
    entries.retain(|_, e| e.pending.is_some() || e.key.is_some() || e.is_fresh(now));
    if entries.len() >= ENTRIES {
        entries.retain(|_, e| e.pending.is_some() || e.is_fresh(now));
    }
}

impl Entries {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters what the database said when it was asked at `asked`, and tells those who wait.
    fn enter(
        &self,
        id: &str,
        asked: Instant,
        found: std::result::Result<Option<Record>, Unreachable>,
    ) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(id) else {
            return;
        };
        let pending = entry.pending.take();
        let answer = match found {
            Ok(record) => {
                entry.asked = Some(asked);
                entry.key = record.map(|record| same_or_new(entry.key.take(), record));
                Ok(entry.key.clone())
            }
            Err(unreachable) => {
                if entry.key.is_none() {
                    entries.remove(id);
                }
                Err(unreachable)
            }
        };
        drop(entries);
        if let Some((sender, _)) = pending {
            // Those who waited may have gone.
            let _ = sender.send(Some(answer));
        }
    }
}

/// A key that has not changed keeps its signing keys.
fn same_or_new(old: Option<Arc<AccessKey>>, record: Record) -> Arc<AccessKey> {
    let Record { role, secret } = record;
    match old {
        Some(key) if key.is(&role, &secret) => key,
        _ => Arc::new(AccessKey::new(role, secret)),
    }
}

/// Answers ids one by one until the store is gone.
async fn answer_all(
    mut directory: impl Directory,
    entries: Arc<Entries>,
    mut seen: mpsc::Receiver<Box<str>>,
    mut unseen: mpsc::Receiver<Box<str>>,
) {
    let mut pause_ends = Instant::now();
    loop {
        let next_unseen = async {
            sleep_until(pause_ends).await;
            unseen.recv().await
        };
        let (id, was_seen) = tokio::select! {
            biased;
            id = seen.recv() => (id, true),
            id = next_unseen => (id, false),
        };
        let Some(id) = id else {
            return;
        };
        let asked = Instant::now();
        if !was_seen {
            pause_ends = asked + UNSEEN_PAUSE;
        }
        let found = directory.look_up(&id).await;
        entries.enter(&id, asked, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_dynamo_core::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::{advance, sleep};

    /// A database in memory; `None` in place of the records: it does not answer.
    #[derive(Clone, Default)]
    struct Memory {
        secrets: Arc<Mutex<Option<HashMap<String, String>>>>,
        asked: Arc<AtomicUsize>,
        takes: Duration,
    }

    impl Memory {
        fn with(id: &str, secret: &str) -> Memory {
            let memory = Memory::default();
            memory.set(&[(id, secret)]);
            memory
        }
        fn set(&self, secrets: &[(&str, &str)]) {
            let secrets = secrets.iter().map(|(i, s)| ((*i).into(), (*s).into()));
            *self.secrets.lock().unwrap() = Some(secrets.collect());
        }
        fn fail(&self) {
            *self.secrets.lock().unwrap() = None;
        }
        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Directory for Memory {
        async fn look_up(&mut self, id: &str) -> std::result::Result<Option<Record>, Unreachable> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            sleep(self.takes).await;
            let secrets = self.secrets.lock().unwrap();
            let found = secrets.as_ref().ok_or(Unreachable)?.get(id);
            Ok(found.map(|secret| Record {
                role: "app".into(),
                secret: Zeroizing::new(secret.clone()),
            }))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_key_is_not_asked_for_again_and_keeps_its_identity_when_it_is() {
        let memory = Memory::with("AK", "s");
        let store = KeyStore::start(memory.clone());
        let first = store.find("AK").await.unwrap().unwrap();
        for _ in 0..100 {
            store.find("AK").await.unwrap().unwrap();
        }
        assert_eq!(memory.asked(), 1);
        advance(FRESH).await;
        let later = store.find("AK").await.unwrap().unwrap();
        assert_eq!(memory.asked(), 2);
        assert!(Arc::ptr_eq(&first, &later));
        memory.set(&[("AK", "changed")]);
        advance(FRESH).await;
        let changed = store.find("AK").await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_key_is_gone_and_a_new_key_is_there_after_half_a_second() {
        let memory = Memory::with("AK", "s");
        let store = KeyStore::start(memory.clone());
        assert!(store.find("AK").await.unwrap().is_some());
        assert!(store.find("NEW").await.unwrap().is_none());
        memory.set(&[("NEW", "s")]);
        advance(FRESH).await;
        assert!(store.find("AK").await.unwrap().is_none());
        assert!(store.find("NEW").await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn many_requests_at_once_ask_once() {
        let memory = Memory {
            takes: Duration::from_millis(50),
            ..Memory::with("AK", "s")
        };
        let store = Arc::new(KeyStore::start(memory.clone()));
        let finders: Vec<_> = (0..200)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.find("AK").await.unwrap().is_some() })
            })
            .collect();
        for finder in finders {
            assert!(finder.await.unwrap());
        }
        assert_eq!(memory.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asked_first_may_leave_and_others_get_the_answer() {
        let memory = Memory {
            takes: Duration::from_millis(50),
            ..Memory::with("AK", "s")
        };
        let store = Arc::new(KeyStore::start(memory.clone()));
        let first = tokio::spawn({
            let store = store.clone();
            async move { store.find("AK").await.map(|_| ()) }
        });
        sleep(Duration::from_millis(10)).await;
        first.abort();
        assert!(store.find("AK").await.unwrap().is_some());
        assert_eq!(memory.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_key_is_not_believed_while_the_database_is_away_and_is_again_afterwards() {
        let memory = Memory::with("AK", "s");
        let store = KeyStore::start(memory.clone());
        store.find("AK").await.unwrap().unwrap();
        memory.fail();
        advance(FRESH).await;
        for id in ["AK", "OTHER"] {
            let error = store.find(id).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::ServiceUnavailable);
        }
        memory.set(&[("AK", "s")]);
        assert!(store.find("AK").await.unwrap().is_some());
    }

    /// Invented ids: the database is asked at a bounded rate, memory is bounded, and keys in use do not wait for them.
    #[tokio::test(start_paused = true)]
    async fn invented_ids_are_looked_up_slowly_and_do_not_hold_up_keys_in_use() {
        let memory = Memory::with("AK", "s");
        let store = Arc::new(KeyStore::start(memory.clone()));
        store.find("AK").await.unwrap().unwrap();
        advance(FRESH).await;
        let started = Instant::now();
        let flood: Vec<_> = (0..10_000)
            .map(|i| {
                let store = store.clone();
                tokio::spawn(async move { store.find(&format!("INVENTED{i}")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        store.find("AK").await.unwrap().unwrap();
        assert!(started.elapsed() <= UNSEEN_PAUSE);
        let mut throttled = 0;
        for finder in flood {
            match finder.await.unwrap() {
                Ok(key) => assert!(key.is_none()),
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::Throttling);
                    throttled += 1;
                }
            }
        }
        assert!(throttled > 9_000, "{throttled}");
        assert!(store.entries.lock().len() < 200);
    }

    /// Whatever waits, a key in use waits for one look-up under way and its own.
    #[tokio::test(start_paused = true)]
    async fn keys_in_use_go_first() {
        let takes = 2 * UNSEEN_PAUSE;
        let memory = Memory {
            takes,
            ..Memory::with("AK", "s")
        };
        let store = Arc::new(KeyStore::start(memory));
        store.find("AK").await.unwrap().unwrap();
        for round in 0..20 {
            advance(FRESH).await;
            let flood = (0..UNSEEN_WAITING).map(|i| {
                let (store, id) = (store.clone(), format!("INVENTED{round}-{i}"));
                tokio::spawn(async move { store.find(&id).await })
            });
            let flood: Vec<_> = flood.collect();
            sleep(takes / 4).await;
            let started = Instant::now();
            store.find("AK").await.unwrap().unwrap();
            assert!(started.elapsed() <= 2 * takes);
            for finder in flood {
                finder.await.unwrap().unwrap();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn entries_of_no_use_make_room() {
        let store = KeyStore::start(Memory::with("AK", "s"));
        store.find("AK").await.unwrap().unwrap();
        for i in 0..2 * ENTRIES {
            assert!(store.find(&format!("X{i}")).await.unwrap().is_none());
        }
        assert!(store.entries.lock().len() <= ENTRIES);
        assert!(store.entries.lock().contains_key("AK"));
    }
}
