"""The simulated fleet in real time: devices with physics, and the two ways their commands come."""
