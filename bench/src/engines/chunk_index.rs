//! The counted index that a user of a key-value store keeps in memory to find the chunk that has a byte of the stream.
//!
//! A list of blocks of at most [`BLOCK_ENTRIES`] chunks, with a Fenwick tree of the blocks' bytes above it: a look-up adds
//! up a few counts in the tree and then, on average, half a block. The tree is made anew when the list of blocks changes,
//! which is once in many splits.

/// Chunks in a block before it is split.
const BLOCK_ENTRIES: usize = 128;

/// A chunk: the key that it is stored under, and its length.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub key: u64,
    pub len: u32,
}

/// A place in the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    block: usize,
    entry: usize,
}

/// All chunks of a stream in their order.
#[derive(Clone, Default)]
pub struct ChunkIndex {
    blocks: Vec<Vec<Entry>>,
    /// A Fenwick tree of the bytes in each block.
    sums: Vec<u64>,
    len: u64,
}

impl ChunkIndex {
    /// Of chunks in their order.
    pub fn new(entries: Vec<Entry>) -> ChunkIndex {
        let len = entries.iter().map(|entry| u64::from(entry.len)).sum();
        let blocks = entries.chunks(BLOCK_ENTRIES / 2).map(<[Entry]>::to_vec).collect();
        let mut index = ChunkIndex { blocks, sums: Vec::new(), len };
        index.sum_up();
        index
    }

    /// Bytes in all chunks.
    pub fn len(&self) -> u64 {
        self.len
    }

    fn sum_up(&mut self) {
        self.sums = self.blocks.iter().map(|block| block.iter().map(|e| u64::from(e.len)).sum()).collect();
        for at in 1..=self.sums.len() {
            let above = at + (at & at.wrapping_neg());
            if above <= self.sums.len() {
                self.sums[above - 1] += self.sums[at - 1];
            }
        }
    }

    fn add(&mut self, block: usize, difference: i64) {
        self.len = self.len.wrapping_add_signed(difference);
        let mut at = block + 1;
        while at <= self.sums.len() {
            self.sums[at - 1] = self.sums[at - 1].wrapping_add_signed(difference);
            at += at & at.wrapping_neg();
        }
    }

    /// The chunk that has byte `offset`, and where in it. At the end of all, the end of the last chunk.
    pub fn find(&self, offset: u64) -> Option<(Place, usize)> {
        let (mut block, mut left) = (0, offset.min(self.len));
        let mut step = (self.blocks.len() + 1).next_power_of_two() / 2;
        while step > 0 {
            // Goes past the blocks that end at or before the byte; the last block has the end of all.
            if block + step < self.blocks.len() && self.sums[block + step - 1] <= left {
                block += step;
                left -= self.sums[block - 1];
            }
            step /= 2;
        }
        let entries = self.blocks.get(block)?;
        for (entry, found) in entries.iter().enumerate() {
            if left < u64::from(found.len) {
                return Some((Place { block, entry }, left as usize));
            }
            left -= u64::from(found.len);
        }
        let last = entries.len() - 1;
        Some((Place { block, entry: last }, entries[last].len as usize))
    }

    /// What is at a place.
    pub fn entry(&self, place: Place) -> Entry {
        self.blocks[place.block][place.entry]
    }

    /// The place behind `place`.
    pub fn next(&self, place: Place) -> Option<Place> {
        if place.entry + 1 < self.blocks[place.block].len() {
            return Some(Place { entry: place.entry + 1, ..place });
        }
        (place.block + 1 < self.blocks.len()).then_some(Place { block: place.block + 1, entry: 0 })
    }

    /// The chunk at `place` has another length now.
    pub fn set_len(&mut self, place: Place, len: u32) {
        let entry = &mut self.blocks[place.block][place.entry];
        let difference = i64::from(len) - i64::from(entry.len);
        entry.len = len;
        self.add(place.block, difference);
    }

    /// The chunk at `place` is stored under another key now, between those of its neighbours.
    pub fn set_key(&mut self, place: Place, key: u64) {
        self.blocks[place.block][place.entry].key = key;
    }

    /// A new chunk behind `place`; returns its place.
    pub fn insert_after(&mut self, place: Place, new: Entry) -> Place {
        let block = &mut self.blocks[place.block];
        block.insert(place.entry + 1, new);
        if block.len() <= BLOCK_ENTRIES {
            self.add(place.block, i64::from(new.len));
            return Place { entry: place.entry + 1, ..place };
        }
        let right = block.split_off(BLOCK_ENTRIES / 2);
        self.blocks.insert(place.block + 1, right);
        self.len += u64::from(new.len);
        self.sum_up();
        match place.entry + 1 {
            entry if entry < BLOCK_ENTRIES / 2 => Place { entry, ..place },
            entry => Place { block: place.block + 1, entry: entry - BLOCK_ENTRIES / 2 },
        }
    }

    /// The first chunk of a stream without any.
    pub fn insert_first(&mut self, new: Entry) -> Place {
        assert!(self.blocks.is_empty(), "the stream has no chunk");
        *self = ChunkIndex::new(vec![new]);
        Place { block: 0, entry: 0 }
    }

    /// The chunk at `place` is gone.
    pub fn remove(&mut self, place: Place) {
        let gone = self.blocks[place.block].remove(place.entry);
        if self.blocks[place.block].is_empty() {
            self.blocks.remove(place.block);
            self.len -= u64::from(gone.len);
            self.sum_up();
        } else {
            self.add(place.block, -i64::from(gone.len));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_a_plain_list_finds() {
        let mut index = ChunkIndex::new(Vec::new());
        let mut plain = vec![Entry { key: 0, len: 10 }];
        index.insert_first(plain[0]);
        for round in 1..3_000_u64 {
            let at = (round * 7_919) % index.len();
            let (place, _) = index.find(at).unwrap();
            let position = plain.iter().position(|e| e.key == index.entry(place).key).unwrap();
            match round % 5 {
                0 if plain.len() > 1 => {
                    index.remove(place);
                    plain.remove(position);
                }
                1 => {
                    index.set_len(place, 1 + (round % 40) as u32);
                    plain[position].len = 1 + (round % 40) as u32;
                }
                _ => {
                    let new = Entry { key: round, len: 1 + (round % 17) as u32 };
                    let new_place = index.insert_after(place, new);
                    assert_eq!(index.entry(new_place).key, round);
                    plain.insert(position + 1, new);
                }
            }
            check(&index, &plain);
        }
        assert!(index.blocks.len() > 2, "it had blocks to split: {}", index.blocks.len());
    }

    fn check(index: &ChunkIndex, plain: &[Entry]) {
        let mut start = 0;
        for entry in plain.iter().step_by(11) {
            let position = plain.iter().position(|e| e.key == entry.key).unwrap();
            start = plain[..position].iter().map(|e| u64::from(e.len)).sum();
            let (place, within) = index.find(start + u64::from(entry.len) - 1).unwrap();
            assert_eq!((index.entry(place).key, within), (entry.key, entry.len as usize - 1));
            let next = index.next(place).map(|next| index.entry(next).key);
            assert_eq!(next, plain.get(position + 1).map(|e| e.key));
        }
        assert!(start <= index.len());
        assert_eq!(index.len(), plain.iter().map(|e| u64::from(e.len)).sum::<u64>());
    }
}
