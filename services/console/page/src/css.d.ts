// esbuild takes a style sheet as an import.
declare module "*.css";
