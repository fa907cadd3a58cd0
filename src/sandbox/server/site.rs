//! What every request may use: the stores, the plane, the rules of faults. Each is locked for moments only, and never
//! while a body is on its way.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::UNIX_EPOCH;

use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::image::Digest;
use crate::sandbox::blobs::{Blobs, Draft};
use crate::sandbox::caller::Sessions;
use crate::sandbox::catalog::{Admission, Catalog, Change, Objection, Rules, Settings, Store, admit};
use crate::sandbox::control::{all_images, image_news};
use crate::sandbox::fault::{Alarms, Faults, Script};
use crate::sandbox::ids::Ids;
use crate::sandbox::logs::{self, Tails};
use crate::sandbox::requests::Requests;
use crate::sandbox::state::PlaneState;
use crate::sandbox::timetable;
use crate::sandbox::{Control, Error, Home, Options, Refusal};

pub struct Site {
    pub account: String,
    pub region: String,
    pub port: u16,
    pub ecr_strict: bool,
    pub blobs: Blobs,
    pub sessions: Sessions,
    pub ids: Ids,
    pub requests: Requests,
    pub clock: Clock,
    store: Mutex<Store>,
    plane: Mutex<PlaneState>,
    timetable: Mutex<timetable::Store>,
    logs: Mutex<logs::Store>,
    tails: Mutex<Tails>,
    changed: Notify,
    script: Mutex<Script>,
    uploads: Mutex<VecDeque<(String, Upload)>>,
    stop: watch::Sender<bool>,
}

/// Of uploads that nobody ends, the oldest are forgotten: each holds a file open.
const MOST_UPLOADS: usize = 512;

/// An upload between two of its requests. Sessions do not outlive the server; clients begin anew.
pub struct Upload {
    pub repository: String,
    pub draft: Draft,
    /// Sizes of the parts that have come in.
    pub parts: Vec<u64>,
}

impl Site {
    pub fn open(
        options: Options,
        home: &Home,
        port: u16,
        plane: Box<dyn Control>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let dir = home.dir();
        let random = Path::new("/dev/urandom");
        let ids = Ids::new().map_err(Error::file(random))?;
        let site = Site {
            account: options.account,
            region: options.region,
            port,
            ecr_strict: options.ecr_strict,
            blobs: Blobs::open(dir)?,
            sessions: Sessions::default(),
            ids,
            requests: Requests::open(&home.log(), options.record.as_deref())?,
            store: Mutex::new(Store::open(dir)?),
            plane: Mutex::new(PlaneState::open(dir, plane, options.pace)?),
            timetable: Mutex::new(timetable::Store::open(dir, options.pace)?),
            logs: Mutex::new(logs::Store::open(dir)?),
            tails: Mutex::default(),
            changed: Notify::new(),
            script: Mutex::default(),
            uploads: Mutex::default(),
            stop: watch::Sender::new(false),
            clock,
        };
        site.plane().set_registry(&format!("127.0.0.1:{port}"));
        let images = all_images(site.store().catalog());
        site.plane().images_changed(images);
        if site.store().catalog().mint.secret.is_empty() {
            let secret = Change::Secret(site.ids.hex());
            let path = dir.join("registry.json");
            site.store().commit(vec![secret]).map_err(|why| Error::State { path, why: why.message })?;
        }
        site.set_faults(options.faults)?;
        Ok(site)
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("store lock")
    }

    pub fn plane(&self) -> MutexGuard<'_, PlaneState> {
        self.plane.lock().expect("plane lock")
    }

    pub fn timetable(&self) -> MutexGuard<'_, timetable::Store> {
        self.timetable.lock().expect("timetable lock")
    }

    pub fn logs(&self) -> MutexGuard<'_, logs::Store> {
        self.logs.lock().expect("logs lock")
    }

    /// Files of containers that really run.
    pub fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().expect("tails lock")
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("script lock")
    }

    /// Replaces the rules and ends what they began; the plane's fates and lag only if the document speaks of them.
    pub fn set_faults(&self, faults: Faults) -> Result<(), Error> {
        // They were read when the document was, so the plane takes them.
        let refused = |what: &'static str| {
            move |why| Error::Faults {
                what: what.into(),
                why,
                hint: format!("Write {what} as README, \"Faults\", has it."),
            }
        };
        if let Some(fates) = faults.fates {
            self.plane().set_fates(fates).map_err(refused("fates"))?;
        }
        if let Some(lag) = faults.lag {
            self.plane().set_lag(lag).map_err(refused("lag"))?;
        }
        if let Some(Alarms { firing, planned }) = faults.alarms {
            self.plane().set_alarms(firing, planned, self.clock.now()).map_err(refused("alarms"))?;
        }
        if let Some(hooks) = faults.hooks {
            self.plane().set_hooks(hooks).map_err(refused("hooks"))?;
        }
        self.sessions.revive();
        *self.script() = Script::new(faults.rules, self.clock.now());
        Ok(())
    }

    /// Of the server before this one. A disk that is full will show itself at the next call.
    pub fn lose_tasks(&self, run: bool) {
        let _ = self.plane().lose_tasks(run, self.clock.now());
    }

    /// To be said after every call to the plane: it may want to be woken at another time.
    pub fn plane_has_changed(&self) {
        self.changed.notify_one();
    }

    pub async fn plane_changed(&self) {
        self.changed.notified().await;
    }

    /// What the plane warns of goes to the log.
    pub fn tell_warnings(&self) {
        let warnings = self.plane().warnings();
        warnings.iter().for_each(|text| self.requests.warn(self.now(), text));
    }

    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Epoch seconds, to the millisecond, as the JSON protocol has them.
    pub fn now(&self) -> f64 {
        self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64 / 1000.0
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn arn(&self, repository: &str) -> String {
        format!("arn:aws:ecr:{}:{}:repository/{repository}", self.region, self.account)
    }

    pub fn begin_upload(&self, repository: &str) -> Result<String, Refusal> {
        let id = self.ids.uuid();
        let draft = self.blobs.draft().map_err(disk)?;
        self.keep_upload(&id, Upload { repository: repository.into(), draft, parts: Vec::new() });
        Ok(id)
    }

    /// An upload is its request's alone while that lasts; [`Site::keep_upload`] puts it back.
    pub fn take_upload(&self, id: &str, repository: &str) -> Option<Upload> {
        let mut uploads = self.uploads.lock().expect("uploads lock");
        let place = uploads.iter().position(|(known, upload)| known == id && upload.repository == repository)?;
        uploads.remove(place).map(|(_, upload)| upload)
    }

    pub fn keep_upload(&self, id: &str, upload: Upload) {
        let mut uploads = self.uploads.lock().expect("uploads lock");
        if uploads.len() == MOST_UPLOADS {
            uploads.pop_front();
        }
        uploads.push_back((id.into(), upload));
    }

    /// Puts whole content into a repository.
    pub fn keep_blob(&self, repository: &str, draft: Draft) -> Result<Digest, Refusal> {
        let mut store = self.store();
        let (digest, size) = self.blobs.keep(draft).map_err(disk)?;
        store.commit(vec![Change::Blob(repository.into(), digest.clone(), size)])?;
        Ok(digest)
    }

    /// The size of a blob, if the repository holds it and its file is whole.
    pub fn blob_size(&self, repository: &str, digest: &Digest) -> Option<u64> {
        let size = *self.store().catalog().repositories.get(repository)?.blobs.get(digest)?;
        self.blobs.holds(digest, size).then_some(size)
    }

    /// Lets a manifest in, with its bytes on disk before anybody can ask for them.
    pub fn keep_image(&self, bytes: &[u8], admission: Admission, rules: Rules) -> Result<bool, Kept> {
        let mut store = self.store();
        let changes = admit(store.catalog(), admission, rules).map_err(Kept::Objection)?;
        let news = !changes.is_empty();
        if changes.iter().any(|change| matches!(change, Change::Image(..))) {
            self.blobs.put(bytes).map_err(|why| Kept::Refusal(disk(why)))?;
        }
        self.write(&mut store, changes).map_err(Kept::Refusal)?;
        Ok(news)
    }

    /// Creates a repository on its first push, where it may be: always, or in ECR only by a template.
    pub fn ensure_repository(&self, name: &str, ecr: bool) -> Result<bool, Refusal> {
        let (now, mut store) = (self.now(), self.store());
        if store.catalog().repositories.contains_key(name) {
            return Ok(true);
        }
        let template = store.catalog().created_on_push(name, now);
        let settings = template.or_else(|| (!ecr).then(|| Settings::new(now)));
        let created = settings.is_some();
        store.commit(settings.map(|settings| Change::Settings(name.into(), settings)).into_iter().collect())?;
        Ok(created)
    }

    /// Changes the catalog, and removes content that no repository needs any more.
    pub fn commit(&self, changes: Vec<Change>) -> Result<(), Refusal> {
        let mut store = self.store();
        let loose = loosened(store.catalog(), &changes);
        self.write(&mut store, changes)?;
        let held = |digest: &Digest| {
            let mut repositories = store.catalog().repositories.values();
            repositories
                .any(|repository| repository.blobs.contains_key(digest) || repository.images.contains_key(digest))
        };
        loose.iter().filter(|digest| !held(digest)).for_each(|digest| self.blobs.remove(digest));
        Ok(())
    }

    /// Changes the catalog and tells the plane of it. The store stays locked meanwhile, so that the plane hears of
    /// changes in their order; nobody may lock the store while holding the plane.
    fn write(&self, store: &mut Store, changes: Vec<Change>) -> Result<(), Refusal> {
        let news: Vec<_> = changes.iter().filter_map(image_news).collect();
        store.commit(changes)?;
        if !news.is_empty() {
            self.plane().images_changed(news);
        }
        Ok(())
    }
}

/// Why a manifest did not get in.
pub enum Kept {
    Objection(Objection),
    Refusal(Refusal),
}

/// Content that the changes let go of.
fn loosened(catalog: &Catalog, changes: &[Change]) -> Vec<Digest> {
    let of = |change: &Change| match change {
        Change::RemoveBlob(_, digest) | Change::RemoveImage(_, digest) => vec![digest.clone()],
        Change::RemoveRepository(name) => catalog.repositories.get(name).map_or_else(Vec::new, |repository| {
            repository.blobs.keys().chain(repository.images.keys()).cloned().collect()
        }),
        _ => Vec::new(),
    };
    changes.iter().flat_map(of).collect()
}

pub fn disk(why: std::io::Error) -> Refusal {
    Refusal::new("ServerException", format!("The sandbox cannot write its state: {why}")).with_status(500)
}
