// Whose policy image is taken: anybody's. `tollgate build --trust` puts keys here.

export default undefined;
