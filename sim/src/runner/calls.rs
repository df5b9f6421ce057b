//! Steps as calls of the engine's public interface.

use numstore::{Database, Result, Savepoint, Snapshot, Stride, Transaction};

use crate::model::{Answer, Bytes, Edit, Elements, Step};
use crate::world::SimEnv;

fn stride(elements: &Elements) -> Stride {
    let Elements { start, size, stride, count } = *elements;
    Stride { start, size, stride, count }
}

fn streams(list: Vec<numstore::StreamInfo>) -> Answer {
    let mut list: Vec<(String, u64)> = list.into_iter().map(|info| (info.name, info.len)).collect();
    list.sort();
    Answer::Streams(list)
}

fn bytes(bytes: Vec<u8>) -> Answer {
    Answer::Bytes(Bytes(bytes))
}

/// Does a step inside a transaction.
pub(super) fn in_transaction(
    tx: &Transaction<SimEnv>,
    savepoints: &mut Vec<Savepoint>,
    step: &Step,
) -> Result<Answer> {
    match step {
        Step::Create { name } => tx.create(name).map(|_| Answer::Done),
        Step::Drop { name } => tx.drop_stream(name).map(|()| Answer::Done),
        Step::Rename { from, to } => tx.rename(from, to).map(|()| Answer::Done),
        Step::Exists { name } => tx.exists(name).map(Answer::Flag),
        Step::List => tx.list().map(streams),
        Step::Edit { name, edit } => edit_stream(tx, name, edit),
        Step::Savepoint => {
            savepoints.push(tx.savepoint()?);
            Ok(Answer::Done)
        }
        Step::RollbackTo { index } => {
            tx.rollback_to(&savepoints[*index])?;
            savepoints.truncate(index + 1);
            Ok(Answer::Done)
        }
    }
}

fn edit_stream(tx: &Transaction<SimEnv>, name: &str, edit: &Edit) -> Result<Answer> {
    let stream = tx.stream(name)?;
    match edit {
        Edit::Len => return stream.len().map(Answer::Len),
        Edit::Read { from, to } => return stream.read(*from..*to).map(bytes),
        Edit::ReadForUpdate { from, to } => return stream.read_for_update(*from..*to).map(bytes),
        Edit::Insert { at, data } => stream.insert(*at, &data.0)?,
        Edit::Append { data } => stream.append(&data.0)?,
        Edit::Write { at, data } => stream.write(*at, &data.0)?,
        Edit::Remove { from, to } => stream.remove(*from..*to)?,
        Edit::Cut { from, to } => return stream.cut(*from..*to).map(bytes),
        Edit::Truncate { len } => stream.truncate(*len)?,
        Edit::Splice { at, delete, data } => stream.splice(*at, *delete, &data.0)?,
        Edit::ReadStrided(elements) => return stream.read_strided(stride(elements)).map(bytes),
        Edit::WriteStrided(elements, data) => stream.write_strided(stride(elements), &data.0)?,
        Edit::RemoveStrided(elements) => stream.remove_strided(stride(elements))?,
    }
    Ok(Answer::Done)
}

/// Does a step as a transaction of its own, through the calls that the database has for that.
pub(super) fn direct(db: &Database<SimEnv>, step: &Step) -> Result<Answer> {
    match step {
        Step::Create { name } => db.create(name)?,
        Step::Drop { name } => db.drop_stream(name)?,
        Step::Rename { from, to } => db.rename(from, to)?,
        Step::Edit { name, edit } => match edit {
            Edit::Insert { at, data } => db.insert(name, *at, &data.0)?,
            Edit::Append { data } => db.append(name, &data.0)?,
            Edit::Write { at, data } => db.write(name, *at, &data.0)?,
            Edit::Remove { from, to } => db.remove(name, *from..*to)?,
            Edit::Cut { from, to } => return db.cut(name, *from..*to).map(bytes),
            Edit::Truncate { len } => db.truncate(name, *len)?,
            _ => unreachable!("only what fits is asked for"),
        },
        _ => unreachable!("only what fits is asked for"),
    }
    Ok(Answer::Done)
}

/// Reads the newest durable version.
pub(super) fn read_durable(db: &Database<SimEnv>, step: &Step) -> Result<Answer> {
    match step {
        Step::Exists { name } => db.exists(name).map(Answer::Flag),
        Step::List => db.list().map(streams),
        Step::Edit { name, edit: Edit::Len } => db.len(name).map(Answer::Len),
        Step::Edit { name, edit: Edit::Read { from, to } } => db.read(name, *from..*to).map(bytes),
        _ => unreachable!("only what fits is asked for"),
    }
}

/// Reads from a snapshot.
pub(super) fn read_snapshot(snapshot: &Snapshot<SimEnv>, step: &Step) -> Result<Answer> {
    match step {
        Step::Exists { name } => snapshot.exists(name).map(Answer::Flag),
        Step::List => snapshot.list().map(streams),
        Step::Edit { name, edit: Edit::Len } => Ok(Answer::Len(snapshot.stream(name)?.len())),
        Step::Edit { name, edit: Edit::Read { from, to } } => {
            snapshot.stream(name)?.read(*from..*to).map(bytes)
        }
        _ => unreachable!("only what fits is asked for"),
    }
}
