//! Libraries that start threads of their own, by the names of their files: BLAS, and
//! the runtimes below it.

use std::path::{Path, PathBuf};

/// A kind of library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// What people call it.
    pub name: &'static str,
    /// Beginnings of the names of its files.
    prefixes: &'static [&'static str],
    /// The variables that set its threads: the first that is set counts.
    pub variables: &'static [&'static str],
    /// What it does where none is set, in words; `{cpus}` stands for the CPUs that
    /// it sees.
    pub otherwise: &'static str,
}

/// Those that are known. Of two that fit a name the first counts.
pub const FAMILIES: [Family; 11] = [
    Family {
        name: "OpenBLAS",
        prefixes: &["libopenblas", "libscipy_openblas", "libflexiblas_openblas"],
        variables: &["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"],
        otherwise: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "Intel MKL",
        prefixes: &["libmkl_", "mkl_"],
        variables: &["MKL_NUM_THREADS", "OMP_NUM_THREADS"],
        otherwise: "a thread for each core that it sees",
    },
    Family {
        name: "BLIS",
        prefixes: &["libblis"],
        variables: &["BLIS_NUM_THREADS", "OMP_NUM_THREADS"],
        otherwise: "one thread",
    },
    Family {
        name: "ATLAS",
        prefixes: &["libatlas", "libsatlas", "libtatlas"],
        variables: &[],
        otherwise: "as many threads as it was built for",
    },
    Family {
        name: "GCC's OpenMP",
        prefixes: &["libgomp"],
        variables: &["OMP_NUM_THREADS"],
        otherwise: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "Intel's OpenMP",
        prefixes: &["libiomp5"],
        variables: &["OMP_NUM_THREADS"],
        otherwise: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "LLVM's OpenMP",
        prefixes: &["libomp"],
        variables: &["OMP_NUM_THREADS"],
        otherwise: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "TBB",
        prefixes: &["libtbb.", "libtbb-"],
        variables: &[],
        otherwise: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "a front for a BLAS that is chosen later",
        prefixes: &["libflexiblas", "libblas_trampoline"],
        variables: &[],
        otherwise: "the threads of the BLAS behind it",
    },
    Family {
        name: "reference BLAS",
        prefixes: &["libblas", "libcblas", "libRblas"],
        variables: &[],
        otherwise: "one thread",
    },
    Family {
        name: "reference LAPACK",
        prefixes: &["liblapack", "libRlapack"],
        variables: &[],
        otherwise: "the threads of its BLAS",
    },
];

/// A library that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// What it is.
    pub family: Family,
    /// Its file, all links followed where it is there.
    pub path: PathBuf,
}

/// Those of some files that are known, each once. A link such as
/// `/etc/alternatives/libblas.so.3` is what it leads to.
pub fn recognise(files: &[PathBuf]) -> Vec<Library> {
    let mut found: Vec<Library> = Vec::new();
    for file in files {
        let path = std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let family = family_of(&path).or_else(|| family_of(file));
        if let Some(family) = family
            && !found.iter().any(|library| library.path == path)
        {
            found.push(Library { family, path });
        }
    }
    found
}

/// By the file's name; or, as Debian has it, by the directory that stands for a
/// BLAS: `openblas-pthread/libblas.so.3`.
fn family_of(path: &Path) -> Option<Family> {
    let file = path.file_name()?.to_string_lossy();
    let by_name = FAMILIES
        .into_iter()
        .find(|family| family.prefixes.iter().any(|prefix| file.starts_with(prefix)))?;
    if !by_name.name.starts_with("reference") {
        return Some(by_name);
    }
    let directory = path.parent()?.file_name()?.to_string_lossy().into_owned();
    let behind = [("openblas", "OpenBLAS"), ("blis", "BLIS"), ("atlas", "ATLAS")];
    let name = behind.iter().find(|(prefix, _)| directory.starts_with(prefix));
    let family = name.and_then(|(_, name)| FAMILIES.into_iter().find(|it| it.name == *name));
    family.or(Some(by_name))
}

/// The system's BLAS below `root`, whichever it is.
pub fn of_system(root: &Path) -> Vec<Library> {
    let mut directories = vec![PathBuf::from("/usr/lib64"), PathBuf::from("/usr/lib")];
    let multiarch = std::fs::read_dir(super::under(root, Path::new("/usr/lib")));
    let names = multiarch.into_iter().flatten().flatten().map(|entry| entry.file_name());
    let triples = names.filter(|name| name.to_string_lossy().contains("-linux-"));
    directories.extend(triples.map(|name| Path::new("/usr/lib").join(name)));
    let files = directories.iter().flat_map(|directory| {
        ["libblas.so.3", "libopenblas.so.0", "libcblas.so.3", "libflexiblas.so.3"]
            .map(|name| super::under(root, &directory.join(name)))
    });
    let there: Vec<PathBuf> = files.filter(|file| file.exists()).collect();
    recognise(&there)
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeRoot;
    use super::*;

    fn named(paths: &[&str]) -> Vec<&'static str> {
        let files: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        recognise(&files).iter().map(|library| library.family.name).collect()
    }

    #[test]
    fn libraries_are_known_by_their_names() {
        let wheel = "/v/numpy.libs/libscipy_openblas64_-56d6093b.so";
        assert_eq!(named(&[wheel, "/lib/libc.so.6", wheel]), ["OpenBLAS"]);
        assert_eq!(named(&["/x/libopenblas64_p-r0-0cf96a72.3.23.dev.so"]), ["OpenBLAS"]);
        assert_eq!(
            named(&["/x/libmkl_rt.so.2", "/x/libiomp5.so"]),
            ["Intel MKL", "Intel's OpenMP"]
        );
        assert_eq!(named(&["/x/libgomp.so.1", "/x/libblis.so.4"]), ["GCC's OpenMP", "BLIS"]);
        assert_eq!(named(&["/x/libtbbmalloc.so.2"]), [] as [&str; 0]);
    }

    #[test]
    fn behind_debians_links_stands_the_blas_that_was_chosen() {
        let root = FakeRoot::new(&[
            ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", ""),
            ("/etc/alternatives/.keep", ""),
        ]);
        let link = |to: &Path, at: &str| {
            std::os::unix::fs::symlink(to, root.path().join(at)).expect("a link");
        };
        let chosen = root.path().join("usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3");
        link(&chosen, "etc/alternatives/libblas.so.3");
        let alternative = root.path().join("etc/alternatives/libblas.so.3");
        link(&alternative, "usr/lib/x86_64-linux-gnu/libblas.so.3");
        let found = of_system(root.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].family.name, "OpenBLAS");
        assert!(found[0].path.ends_with("openblas-pthread/libblas.so.3"));
    }

    #[test]
    fn without_any_the_reference_is_what_it_is() {
        let root = FakeRoot::new(&[("/usr/lib/aarch64-linux-gnu/libblas.so.3", "")]);
        assert_eq!(of_system(root.path())[0].family.name, "reference BLAS");
        assert_eq!(of_system(FakeRoot::new(&[]).path()), []);
    }
}
