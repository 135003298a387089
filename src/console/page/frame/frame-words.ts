/** Words of what stands around every page. */
export const frameWords = {
  en: {
    'nav.menu': 'Menu',
    'nav.gateway': 'Gateway',
  },
  zh: {
    'nav.menu': '菜单',
    'nav.gateway': '网关',
  },
} as const;
