//! How many sockets and event streams each address holds open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use service_kit::status::ErrorCode;

use crate::{answer::Problem, limits::LIMITED};

/// The open streams, by address.
pub(crate) struct Streams {
    per_address: u32,
    open: Mutex<HashMap<IpAddr, u32>>,
}

/// A stream that counts until it is dropped.
pub(crate) struct OpenStream {
    streams: Arc<Streams>,
    address: IpAddr,
}

impl Streams {
    pub fn new(per_address: u32) -> Streams {
        Streams { per_address, open: Mutex::default() }
    }

    /// Counts one more stream of an address.
    ///
    /// # Errors
    ///
    /// It holds as many as it may.
    pub fn open(self: &Arc<Streams>, address: IpAddr) -> Result<OpenStream, Problem> {
        let address = address.to_canonical();
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if self.per_address <= *count {
            LIMITED.with("streams").inc();
            let message = format!("an address may hold {} sockets and streams open; close one first", self.per_address);
            return Err(Problem::new(ErrorCode::RateLimited, message));
        }
        *count += 1;
        Ok(OpenStream { streams: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        // Nothing under this lock can panic half-way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        match open.get_mut(&self.address) {
            Some(count) if 1 < *count => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_holds_so_many_and_may_open_another_when_one_ends() {
        let streams = Arc::new(Streams::new(2));
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from(Ipv4Addr::LOCALHOST));

        let first = streams.open(one).unwrap();
        let _second = streams.open(one).unwrap();
        assert_eq!(streams.open(one).err().unwrap().code(), ErrorCode::RateLimited);
        assert!(streams.open(other).is_ok());

        drop(first);
        assert!(streams.open(one).is_ok());
        assert_eq!(streams.lock().len(), 1);
    }
}
