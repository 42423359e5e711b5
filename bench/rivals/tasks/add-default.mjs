// The task of piscina and tinypool.
export default ([a, b]) => a + b;
