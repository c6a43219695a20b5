//! BLAS and thread libraries, recognised by the names of their files.

use std::path::{Path, PathBuf};

/// A kind of library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The name of the library.
    pub name: &'static str,
    /// Prefixes of the names of its files.
    prefixes: &'static [&'static str],
    /// The variables that set its number of threads; the first one that is set counts.
    pub variables: &'static [&'static str],
    /// Number of threads if none is set; `{cpus}` stands for the CPUs that it sees.
    pub default: &'static str,
}

/// The known libraries. If two match a name, the first one counts.
pub const FAMILIES: [Family; 11] = [
    Family {
        name: "OpenBLAS",
        prefixes: &["libopenblas", "libscipy_openblas", "libflexiblas_openblas"],
        variables: &["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"],
        default: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "Intel MKL",
        prefixes: &["libmkl_", "mkl_"],
        variables: &["MKL_NUM_THREADS", "OMP_NUM_THREADS"],
        default: "a thread for each core that it sees",
    },
    Family {
        name: "BLIS",
        prefixes: &["libblis"],
        variables: &["BLIS_NUM_THREADS", "OMP_NUM_THREADS"],
        default: "one thread",
    },
    Family {
        name: "ATLAS",
        prefixes: &["libatlas", "libsatlas", "libtatlas"],
        variables: &[],
        default: "as many threads as it was built for",
    },
    Family {
        name: "GCC's OpenMP",
        prefixes: &["libgomp"],
        variables: &["OMP_NUM_THREADS"],
        default: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "Intel's OpenMP",
        prefixes: &["libiomp5"],
        variables: &["OMP_NUM_THREADS"],
        default: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "LLVM's OpenMP",
        prefixes: &["libomp"],
        variables: &["OMP_NUM_THREADS"],
        default: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "TBB",
        prefixes: &["libtbb.", "libtbb-"],
        variables: &[],
        default: "as many threads as it sees CPUs: {cpus}",
    },
    Family {
        name: "a wrapper of another BLAS",
        prefixes: &["libflexiblas", "libblas_trampoline"],
        variables: &[],
        default: "the threads of the wrapped BLAS",
    },
    Family {
        name: "reference BLAS",
        prefixes: &["libblas", "libcblas", "libRblas"],
        variables: &[],
        default: "one thread",
    },
    Family {
        name: "reference LAPACK",
        prefixes: &["liblapack", "libRlapack"],
        variables: &[],
        default: "the threads of its BLAS",
    },
];

/// A recognised library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The kind of library.
    pub family: Family,
    /// File, with links resolved if it exists.
    pub path: PathBuf,
}

/// The known libraries among some files, without duplicates. Links such as
/// `/etc/alternatives/libblas.so.3` are resolved.
pub fn recognise(files: &[PathBuf]) -> Vec<Library> {
    let mut libraries: Vec<Library> = Vec::new();
    for file in files {
        let path = std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let family = family_of(&path).or_else(|| family_of(file));
        if let Some(family) = family
            && !libraries.iter().any(|library| library.path == path)
        {
            libraries.push(Library { family, path });
        }
    }
    libraries
}

/// The library of a file, by its name; on Debian by the directory of a BLAS:
/// `openblas-pthread/libblas.so.3`.
fn family_of(path: &Path) -> Option<Family> {
    let file = path.file_name()?.to_string_lossy();
    let by_name = FAMILIES
        .into_iter()
        .find(|family| family.prefixes.iter().any(|prefix| file.starts_with(prefix)))?;
    if !by_name.name.starts_with("reference") {
        return Some(by_name);
    }
    let directory = path.parent()?.file_name()?.to_string_lossy().into_owned();
    let vendors = [("openblas", "OpenBLAS"), ("blis", "BLIS"), ("atlas", "ATLAS")];
    let name = vendors.iter().find(|(prefix, _)| directory.starts_with(prefix));
    let family = name.and_then(|(_, name)| FAMILIES.into_iter().find(|it| it.name == *name));
    family.or(Some(by_name))
}

/// The BLAS of the system below `root`.
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
    let existing: Vec<PathBuf> = files.filter(|file| file.exists()).collect();
    recognise(&existing)
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
    fn libraries_are_recognised_by_their_names() {
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
    fn links_of_debian_lead_to_the_selected_blas() {
        let root = FakeRoot::new(&[
            ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", ""),
            ("/etc/alternatives/.keep", ""),
        ]);
        let link = |to: &Path, at: &str| {
            std::os::unix::fs::symlink(to, root.path().join(at)).expect("a link");
        };
        let selected = root.path().join("usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3");
        link(&selected, "etc/alternatives/libblas.so.3");
        let alternative = root.path().join("etc/alternatives/libblas.so.3");
        link(&alternative, "usr/lib/x86_64-linux-gnu/libblas.so.3");
        let libraries = of_system(root.path());
        assert_eq!(libraries.len(), 1);
        assert_eq!(libraries[0].family.name, "OpenBLAS");
        assert!(libraries[0].path.ends_with("openblas-pthread/libblas.so.3"));
    }

    #[test]
    fn a_plain_libblas_is_the_reference() {
        let root = FakeRoot::new(&[("/usr/lib/aarch64-linux-gnu/libblas.so.3", "")]);
        assert_eq!(of_system(root.path())[0].family.name, "reference BLAS");
        assert_eq!(of_system(FakeRoot::new(&[]).path()), []);
    }
}
