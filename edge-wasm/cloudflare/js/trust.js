// The trust keys for policy images: none, so every image is accepted. `tollgate build --trust` writes keys
// here.

export default undefined;
