// Whose policy images are taken: anybody's. `tollgate build --trust` puts keys here.

export default undefined;
