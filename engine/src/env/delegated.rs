//! For tests: what a file leaves to the one that it stands on.

/// The calls of [`DiskFile`](super::DiskFile) that a test's file seldom changes, made on its field of this name.
macro_rules! delegated {
    ($file:ident) => {
        fn read_vectored_at(
            &self,
            bufs: &mut [std::io::IoSliceMut<'_>],
            offset: u64,
        ) -> std::io::Result<usize> {
            self.$file.read_vectored_at(bufs, offset)
        }
        fn write_vectored_at(&self, bufs: &[std::io::IoSlice<'_>], offset: u64) -> std::io::Result<usize> {
            self.$file.write_vectored_at(bufs, offset)
        }
        fn len(&self) -> std::io::Result<u64> {
            self.$file.len()
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.$file.set_len(len)
        }
        fn allocate(&self, offset: u64, len: u64) -> std::io::Result<()> {
            self.$file.allocate(offset, len)
        }
        fn punch(&self, offset: u64, len: u64) -> std::io::Result<()> {
            self.$file.punch(offset, len)
        }
        fn sync(&self) -> std::io::Result<()> {
            self.$file.sync()
        }
        fn try_lock(&self) -> std::io::Result<bool> {
            self.$file.try_lock()
        }
    };
}

pub(crate) use delegated;
