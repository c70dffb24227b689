//! Counts the open connections, all together and by address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use service_kit::metrics::{self, Counted, Gauge};

static LINES_OPEN: LazyLock<Gauge> = LazyLock::new(|| metrics::gauge("lines_open", "Connections of the Java line"));

/// How many connections may be open, and how many are.
pub struct Doorkeeper {
    total: u32,
    per_address: u32,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Doorkeeper {
    /// A doorkeeper who lets in so many, and so many from one address.
    pub fn new(total: u32, per_address: u32) -> Arc<Doorkeeper> {
        LazyLock::force(&LINES_OPEN);
        Arc::new(Doorkeeper { total, per_address, open: Mutex::default() })
    }
}

/// One connection's place among the open ones, given back when dropped.
pub struct Place {
    doorkeeper: Arc<Doorkeeper>,
    address: IpAddr,
    _counted: Counted,
}

impl Place {
    /// A place for a connection from that address; `None` if there is none left.
    pub fn take(doorkeeper: &Arc<Doorkeeper>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = doorkeeper.open.lock().unwrap_or_else(PoisonError::into_inner);
        let from_address = open.by_address.get(&address).copied().unwrap_or(0);
        if doorkeeper.per_address <= from_address || doorkeeper.total <= open.total {
            return None;
        }
        open.by_address.insert(address, from_address + 1);
        open.total += 1;
        Some(Place { doorkeeper: doorkeeper.clone(), address, _counted: Counted::one(&LINES_OPEN) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.doorkeeper.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let doorkeeper = Doorkeeper::new(10, 2);
        let here = IpAddr::from([127, 0, 0, 1]);
        let first = Place::take(&doorkeeper, here).unwrap();
        let _second = Place::take(&doorkeeper, here).unwrap();
        assert!(Place::take(&doorkeeper, here).is_none());
        assert!(Place::take(&doorkeeper, IpAddr::from([127, 0, 0, 2])).is_some());
        drop(first);
        assert!(Place::take(&doorkeeper, here).is_some());
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let doorkeeper = Doorkeeper::new(2, 2);
        let places: Vec<_> = (1..=3).map(|n| Place::take(&doorkeeper, IpAddr::from([10, 0, 0, n]))).collect();
        assert_eq!(places.iter().flatten().count(), 2);
        drop(places);
        assert!(Place::take(&doorkeeper, IpAddr::from([10, 0, 0, 9])).is_some());
    }

    #[test]
    fn an_address_is_the_same_in_both_versions_of_the_protocol() {
        let doorkeeper = Doorkeeper::new(10, 1);
        let _v4 = Place::take(&doorkeeper, "10.0.0.1".parse().unwrap()).unwrap();
        assert!(Place::take(&doorkeeper, "::ffff:10.0.0.1".parse().unwrap()).is_none());
    }
}
