import assert from "node:assert/strict";
import { findLaunch } from "../../src/distributed/launcher.ts";

const launchOf = (variables: Record<string, string>) =>
  findLaunch((name) => variables[name]);

Deno.test("findLaunch() knows mpirun of Open MPI and MPICH, and srun", () => {
  const openMpi = { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4" };
  assert.deepEqual(launchOf(openMpi), { launcher: "Open MPI", rank: 1, size: 4 });
  const mpich = { PMI_RANK: "0", PMI_SIZE: "2" };
  assert.deepEqual(launchOf(mpich), { launcher: "MPICH", rank: 0, size: 2 });
  const slurm = { SLURM_PROCID: "3", SLURM_STEP_NUM_TASKS: "8", PMIX_RANK: "3" };
  assert.deepEqual(launchOf(slurm), { launcher: "Slurm", rank: 3, size: 8 });
  assert.deepEqual(launchOf({ PMIX_RANK: "2" }), {
    launcher: "PMIx",
    rank: 2,
    size: null,
  });
  // mpirun within a step of Slurm.
  assert.equal(launchOf({ ...slurm, ...openMpi })?.launcher, "Open MPI");
});

Deno.test("findLaunch() is null in a shell and in the batch script of a job", () => {
  assert.equal(launchOf({}), null);
  assert.equal(launchOf({ SLURM_PROCID: "0", SLURM_NTASKS: "8" }), null);
  assert.equal(launchOf({ OMPI_COMM_WORLD_RANK: "x", OMPI_COMM_WORLD_SIZE: "4" }), null);
});
