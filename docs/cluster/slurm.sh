#!/bin/bash
# Four tasks, one on each machine: sbatch slurm.sh
#SBATCH --job-name=sightkit
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --signal=TERM@120
#SBATCH --requeue

# srun sets SLURM_STEP_NODELIST and SLURM_PROCID in each task; a lost one ends all (exit code 75).
srun --kill-on-bad-exit=1 sightkit train_resnet50_imagenet --data /shared/imagenet.shards \
    --output /shared/runs/resnet50 --batch-size 256 --distribute tensorflow --resume

case $? in 75 | 143) scontrol requeue "$SLURM_JOB_ID" ;; esac
